/* partner_key - the file with the key that two partners share. */
#ifndef NATKIT_PARTNER_KEY_H
#define NATKIT_PARTNER_KEY_H

#include "opt.h"
#include "partner_wire.h"

/*
 * 32 bytes that are no text are the key; else the file is one line, a passphrase, of which the key
 * is derived so slowly (scrypt) that guessing does not pay.
 * Returns false with *err set to "partner-key-file: PATH: why".
 */
bool partner_key_read(const char *path, uint8_t key[static PARTNER_KEY_LEN], struct opt_error *err);

#endif
