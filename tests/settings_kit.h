/*
 * settings_kit - settings made of a configuration and files in a folder of the test.
 */
#ifndef NATKIT_TESTS_SETTINGS_KIT_H
#define NATKIT_TESTS_SETTINGS_KIT_H

#include "turnd/settings.h"

extern struct turnd_conf kit_conf; /* what was loaded last */
extern struct opt_error kit_err;   /* what was wrong with it */

/* Before and after all tests: the folder, without anything in it at the end. */
int kit_set_up(void **state);
int kit_tear_down(void **state);

/* Makes a file in the folder. Returns its path, which is good for seven more calls. */
const char *kit_write(const char *name, const char *text);

/* Removes all files but the configuration. */
void kit_remove_files(void);

/* The configuration is `text`, in which each @ stands for the folder. */
bool kit_load(const char *text);

/* Loads `text` and makes settings of it; the test fails where that does. */
struct settings *kit_make(const char *text, const struct settings *before);

/* kit_err begins with the path of the configuration. */
bool kit_blames_the_file(void);

#endif
