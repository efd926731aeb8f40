/*
 * words - the words of codes: short, sorted, and easily told apart when spoken or mistyped: no two
 * begin with the same four letters, and none becomes another one by one letter.
 */
#ifndef NATPROBE_WORDS_H
#define NATPROBE_WORDS_H

#define WORDS    512
#define WORD_MAX 8 /* letters */

extern const char *const words[WORDS];

#endif
