#include "punch_self.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natprobe/file.h"
#include "natprobe/peer/peer_facts.h"
#include "natprobe/peer/peer_wire.h"

#define ID_MAX 256

static const struct iface_addr *find_address(const struct iface_list *list, const char *name,
					     const struct addr *a)
{
	for (size_t i = 0; i < list->count; i++) {
		if (addr_equal_ip(&list->items[i].addr, a) &&
		    strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	}
	return NULL;
}

static void add_server(struct punch_self *s, const struct addr *a)
{
	if (a->family == ADDR_NONE || s->server_count == PUNCH_SERVERS_MAX)
		return;
	for (size_t i = 0; i < s->server_count; i++) {
		if (addr_equal(&s->servers[i], a))
			return;
	}
	s->servers[s->server_count++] = *a;
}

/* First all that answered, then their other addresses: two places see more than one. */
static void add_servers(struct punch_self *s, const struct report *r, bool others)
{
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct verdict *v = r->probes[i].verdict;

		for (size_t k = 0; v != NULL && k < v->server_count; k++) {
			const struct verdict_server *one = &v->servers[k];

			if (one->answered > 0 || one->tcp_answered > 0)
				add_server(s, others ? &one->other : &one->addr);
		}
	}
}

static void add_path(struct punch_self *s, const struct report_probe *p,
		     const struct iface_list *list)
{
	uint8_t n = s->profile.path_count;
	struct peer_path *path = &s->profile.paths[n];
	const struct iface_addr *here = find_address(list, p->interface, &p->local);

	if (p->verdict == NULL || here == NULL || n == PEER_PATHS_MAX)
		return;
	peer_path_of_verdict(p->verdict, here->prefix_len, path);
	if (path->family == ADDR_NONE)
		path->family = p->local.family;
	path->local = addr_with_port(&p->local, 0);
	(void)snprintf(s->names[n], sizeof(s->names[n]), "%s", p->interface);
	s->paths[n] = (struct punch_io_path){ .name = s->names[n] };
	s->paths[n].source.local = path->local;
	s->paths[n].source.device = p->bound_to_device ? s->names[n] : NULL;
	s->profile.path_count++;
}

/* As the other side reads it, since both plan with the same numbers. */
static bool round_off(struct peer_profile *p)
{
	uint8_t buf[PEER_PROFILE_BYTES_MAX];
	size_t len = peer_profile_write(p, buf, sizeof(buf));

	return len > 0 && peer_profile_read(bytes_of(buf, len), p);
}

int punch_self_make(const struct report *r, struct punch_self *out)
{
	struct iface_list list;
	int rc = iface_list_open(&list);

	*out = (struct punch_self){ 0 };
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < r->probe_count; i++)
		add_path(out, &r->probes[i], &list);
	iface_list_close(&list);
	add_servers(out, r, false);
	add_servers(out, r, true);
	return out->profile.path_count == 0 || round_off(&out->profile) ? 0 : -EMSGSIZE;
}

void punch_self_copy(const struct punch_self *from, struct punch_self *to)
{
	*to = *from;
	for (size_t i = 0; i < to->profile.path_count; i++) {
		struct punch_io_path *path = &to->paths[i];

		path->name = to->names[i];
		if (path->source.device != NULL)
			path->source.device = to->names[i];
	}
}

/* The machine and its network namespace, since containers share the first. */
static size_t own_id(char id[static 2 * ID_MAX])
{
	char *text;
	size_t len = 0, used = 0;
	ssize_t n;

	if (file_read("/etc/machine-id", ID_MAX, &text, &len) == 0) {
		memcpy(id, text, len);
		used = len;
		free(text);
	} else if (gethostname(id, ID_MAX) == 0) {
		id[ID_MAX - 1] = '\0';
		used = strlen(id);
	}
	n = readlink("/proc/self/ns/net", id + used, ID_MAX);
	return used + (n > 0 ? (size_t)n : 0);
}

void punch_self_mark(const uint8_t *key, size_t key_len, uint8_t out[static PUNCH_MARK_LEN])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	char id[2 * ID_MAX];
	unsigned int md_len = 0;
	size_t len = own_id(id);

	memset(out, 0, PUNCH_MARK_LEN);
	if (HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)id, len, md, &md_len) != NULL)
		memcpy(out, md, PUNCH_MARK_LEN);
}

void punch_self_be_local(struct punch_self *s)
{
	for (size_t i = 0; i < s->profile.path_count; i++)
		s->paths[i].source.device = NULL;
}
