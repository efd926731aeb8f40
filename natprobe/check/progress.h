/* progress - one line on stderr while a run takes long, gone when it ends. */
#ifndef NATPROBE_PROGRESS_H
#define NATPROBE_PROGRESS_H

#include <stddef.h>

#include <event2/event.h>

struct progress;

/* Shows nothing for the first two seconds. NULL when memory runs out, which all take. */
struct progress *progress_new(struct event_base *base);
void progress_free(struct progress *p);

void progress_set(struct progress *p, size_t done, size_t total);

#define PROGRESS_TEXT_MAX 160

/* From now on `say` writes the line; "" leaves it as it was. */
void progress_say(struct progress *p, void (*say)(void *arg, char text[static PROGRESS_TEXT_MAX]),
		  void *arg);

#endif
