#include "link_mtu.h"

void link_mtu_init(struct link_mtu *m, uint16_t min, uint16_t low, uint16_t max)
{
	*m = (struct link_mtu){
		.min = min, .low = low, .max = max, .good = low, .bad = (uint16_t)(max + 4)
	};
}

static void try_size(struct link_mtu *m, uint16_t size)
{
	m->size = size;
	m->lost = 0;
}

static void rest(struct link_mtu *m)
{
	m->is_repeat = m->good > m->low;
	m->is_confirm = false;
	try_size(m, 0);
}

void link_mtu_search(struct link_mtu *m)
{
	m->bad = (uint16_t)(m->max + 4);
	m->is_confirm = false;
	try_size(m, m->good);
}

void link_mtu_confirm(struct link_mtu *m)
{
	if (m->size != 0)
		return;
	link_mtu_search(m);
	m->is_confirm = true;
}

/* `good` has passed: what is worth a try above it? */
static void go_on(struct link_mtu *m)
{
	uint16_t room = (uint16_t)(m->bad - m->good);

	if (m->is_confirm || m->good >= m->max || room <= LINK_MTU_GRAIN) {
		rest(m);
	} else if (m->bad > m->max) {
		try_size(m, m->max);
	} else if (m->is_repeat) {
		m->is_repeat = false;
		try_size(m, (uint16_t)(m->good + LINK_MTU_GRAIN));
	} else {
		try_size(m, (uint16_t)((m->good + room / 2) & ~3));
	}
}

void link_mtu_passed(struct link_mtu *m, uint16_t size)
{
	if (size < m->good || size > m->max)
		return;
	m->good = size;
	if (size >= m->bad)
		m->bad = (uint16_t)(m->max + 4); /* it was bad luck */
	if (m->size != 0 && size >= m->size)
		go_on(m);
}

void link_mtu_lost(struct link_mtu *m)
{
	uint8_t tries = m->size > m->good ? LINK_MTU_TRIES : 2 * LINK_MTU_TRIES;

	if (m->size == 0 || ++m->lost < tries)
		return;
	m->bad = m->size;
	m->is_confirm = false;
	if (m->size > m->good) {
		go_on(m);
		return;
	}
	/* It passes no more. */
	m->is_repeat = false;
	m->good = m->good > m->low ? m->low : m->min;
	if (m->good == m->min)
		go_on(m);
	else
		try_size(m, m->good);
}
