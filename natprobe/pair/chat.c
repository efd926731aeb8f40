#include "chat.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "utf8.h"

#define MAGIC     0xc1
#define COUNTER   9 /* bytes before what is sealed: magic, counter */
#define TAG_LEN   16
#define NONCE_LEN 12
#define HEAD_LEN  9 /* inside: flags, number of the line, number of the last one heard */
#define FLAG_BYE  1u

static bool make_key(const uint8_t key[static CHAT_KEY_LEN], const char *whose,
		     uint8_t out[static CHAT_KEY_LEN])
{
	unsigned int len = CHAT_KEY_LEN;

	return HMAC(EVP_sha256(), key, CHAT_KEY_LEN, (const uint8_t *)whose, strlen(whose), out,
		    &len) != NULL;
}

bool chat_start(struct chat *c, const uint8_t key[static CHAT_KEY_LEN], bool is_a, uint64_t now_us)
{
	*c = (struct chat){ .send_us = now_us, .heard_us = now_us };
	return make_key(key, "natkit demo a", c->keys[is_a ? 0 : 1]) &&
	       make_key(key, "natkit demo b", c->keys[is_a ? 1 : 0]);
}

void chat_clear(struct chat *c)
{
	OPENSSL_cleanse(c, sizeof(*c));
}

bool chat_say(struct chat *c, struct bytes line, uint64_t now_us)
{
	if (c->len > 0 || line.len == 0 || line.len > CHAT_LINE_MAX)
		return false;
	memcpy(c->text, line.data, line.len);
	c->len = line.len;
	c->line++;
	c->send_us = now_us;
	return true;
}

void chat_leave(struct chat *c, uint64_t now_us)
{
	c->is_leaving = true;
	c->send_us = now_us;
}

static void make_nonce(uint64_t counter, uint8_t nonce[static NONCE_LEN])
{
	struct wire_out w = wire_write(nonce, NONCE_LEN);

	wire_put_u32(&w, 0);
	wire_put_u64(&w, counter);
}

static bool crypt(const uint8_t key[static CHAT_KEY_LEN], uint64_t counter, bool seals,
		  struct bytes in, uint8_t *out, uint8_t tag[static TAG_LEN])
{
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE_LEN];
	int len = 0;
	bool ok;

	make_nonce(counter, nonce);
	ok = x != NULL && EVP_CipherInit_ex(x, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1;
	if (ok && !seals)
		ok = EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1;
	ok = ok && EVP_CipherUpdate(x, out, &len, in.data, (int)in.len) == 1 &&
	     EVP_CipherFinal_ex(x, out + len, &len) == 1;
	if (ok && seals)
		ok = EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) == 1;
	EVP_CIPHER_CTX_free(x);
	return ok;
}

static struct bytes seal(struct chat *c, uint8_t buf[static CHAT_BYTES_MAX])
{
	uint8_t plain[CHAT_BYTES_MAX];
	struct wire_out inside = wire_write(plain, sizeof(plain));
	struct wire_out out = wire_write(buf, CHAT_BYTES_MAX);
	uint8_t *room, *tag;

	wire_put_u8(&inside, c->is_leaving ? FLAG_BYE : 0);
	wire_put_u32(&inside, c->line);
	wire_put_u32(&inside, c->heard);
	wire_put_mem(&inside, c->text, c->len);
	wire_put_u8(&out, MAGIC);
	wire_put_u64(&out, ++c->counter);
	room = wire_room(&out, inside.len);
	tag = wire_room(&out, TAG_LEN);
	if (tag == NULL || inside.failed ||
	    !crypt(c->keys[0], c->counter, true, wire_written(&inside), room, tag))
		return (struct bytes){ 0 };
	return wire_written(&out);
}

struct bytes chat_next(struct chat *c, uint64_t now_us, uint8_t buf[static CHAT_BYTES_MAX],
		       uint64_t *deadline_us)
{
	*deadline_us = c->send_us;
	if (now_us < c->send_us)
		return (struct bytes){ 0 };
	c->send_us = now_us + (c->len > 0 ? CHAT_AGAIN_US : CHAT_IDLE_US);
	*deadline_us = c->send_us;
	return seal(c, buf);
}

static struct bytes open_sealed(struct chat *c, struct bytes datagram, uint8_t *buf)
{
	struct wire in = wire_read(datagram);
	uint8_t magic = wire_get_u8(&in), tag[TAG_LEN];
	uint64_t counter = wire_get_u64(&in);
	size_t len;

	if (in.failed || magic != MAGIC || counter <= c->newest || in.left < HEAD_LEN + TAG_LEN ||
	    in.left - TAG_LEN > CHAT_LINE_MAX + HEAD_LEN)
		return (struct bytes){ 0 };
	len = in.left - TAG_LEN;
	memcpy(tag, in.at + len, TAG_LEN);
	if (!crypt(c->keys[1], counter, false, bytes_of(in.at, len), buf, tag))
		return (struct bytes){ 0 };
	c->newest = counter; /* older ones say nothing that is not in this one */
	return bytes_of(buf, len);
}

struct bytes chat_hear(struct chat *c, struct bytes datagram, uint64_t now_us,
		       uint8_t buf[static CHAT_BYTES_MAX])
{
	struct bytes plain = open_sealed(c, datagram, buf);
	struct wire in = wire_read(plain);
	uint8_t flags = wire_get_u8(&in);
	uint32_t line = wire_get_u32(&in), heard = wire_get_u32(&in);

	if (in.failed)
		return (struct bytes){ 0 };
	c->heard_us = now_us;
	c->has_left = (flags & FLAG_BYE) != 0;
	if (c->len > 0 && heard == c->line)
		c->len = 0;
	if (in.left == 0)
		return (struct bytes){ 0 };
	c->send_us = now_us; /* says that it is here */
	if (line != c->heard + 1)
		return (struct bytes){ 0 };
	c->heard = line;
	return bytes_of(in.at, in.left);
}

static bool is_control(const uint8_t *c, size_t len)
{
	if (len == 1)
		return c[0] < ' ' || c[0] == 0x7f;
	return len == 2 && c[0] == 0xc2 && c[1] < 0xa0; /* of 8 bits: terminals obey them as well */
}

size_t chat_clean(uint8_t *line, size_t len)
{
	size_t out = 0, n;

	for (size_t at = 0; at < len; at += n) {
		n = utf8_len(bytes_of(line + at, len - at));
		if (n > 0 && !is_control(line + at, n)) {
			memmove(line + out, line + at, n);
			out += n;
			continue;
		}
		n = n > 0 ? n : 1;
		line[out++] = '?';
	}
	return out;
}

bool chat_is_over(const struct chat *c, uint64_t now_us)
{
	return c->has_left || now_us > c->heard_us + CHAT_GONE_US;
}
