#include "punch_state.h"

static void set_state(struct punch *p, struct pu_slot *s, enum pu_slot_state state)
{
	if (s->state == PU_WANTED)
		p->wanted--;
	if (s->state == PU_UNWANTED)
		p->unwanted--;
	s->state = (uint8_t)state;
	if (s->state == PU_WANTED)
		p->wanted++;
	if (s->state == PU_UNWANTED)
		p->unwanted++;
}

void pu_slot_want(struct punch *p, uint16_t slot, uint8_t path, uint16_t port)
{
	struct pu_slot *s = &p->slots[slot];

	if (s->state != PU_CLOSED && s->state != PU_FAILED)
		return;
	*s = (struct pu_slot){ .path = path, .port = port, .step = PU_STEP_NONE };
	set_state(p, s, PU_WANTED);
}

void pu_slot_leave(struct punch *p, uint16_t slot)
{
	struct pu_slot *s = &p->slots[slot];

	if (s->state == PU_OPEN || s->state == PU_OPENING)
		set_state(p, s, PU_UNWANTED);
	else if (s->state == PU_WANTED || s->state == PU_FAILED)
		set_state(p, s, PU_CLOSED);
}

void pu_slots_leave_but(struct punch *p, uint16_t keep)
{
	for (uint16_t i = 0; i < PUNCH_SLOTS_MAX; i++) {
		if (i != keep)
			pu_slot_leave(p, i);
	}
}

uint16_t pu_slot_fresh(struct punch *p)
{
	for (uint16_t i = PU_SLOT_FRESH; i < PUNCH_SLOTS_MAX; i++) {
		if (p->slots[i].state == PU_CLOSED)
			return i;
	}
	return PU_NO_SLOT;
}

bool pu_slot_is_open(const struct punch *p, uint16_t slot)
{
	return slot < PUNCH_SLOTS_MAX && p->slots[slot].state == PU_OPEN;
}

static uint16_t find(const struct punch *p, enum pu_slot_state state)
{
	uint16_t i = 0;

	while (p->slots[i].state != state)
		i++;
	return i;
}

/* What is not needed goes first: the shell has a limit, too. */
bool pu_slots_next(struct punch *p, struct punch_action *action)
{
	struct pu_slot *s;
	uint16_t slot;

	if (p->unwanted == 0 && p->wanted == 0)
		return false;
	slot = find(p, p->unwanted > 0 ? PU_UNWANTED : PU_WANTED);
	s = &p->slots[slot];
	*action = (struct punch_action){ .slot = slot, .path = s->path, .port = s->port };
	if (s->state == PU_UNWANTED) {
		action->kind = PUNCH_CLOSE;
		set_state(p, s, PU_CLOSED);
		return true;
	}
	action->kind = slot == PU_SLOT_RELAY ? PUNCH_OPEN_RELAY : PUNCH_OPEN;
	set_state(p, s, PU_OPENING);
	return true;
}

void pu_slot_opened(struct punch *p, uint16_t slot, const struct addr *local)
{
	struct pu_slot *s = &p->slots[slot];

	if (s->state != PU_OPENING)
		return;
	s->local = *local;
	set_state(p, s, local->family == ADDR_NONE ? PU_FAILED : PU_OPEN);
}
