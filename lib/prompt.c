#include <config.h>

#include "prompt.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

bool prompt_is_person(FILE *in)
{
	return isatty(fileno(in)) == 1;
}

static enum prompt_result read_line(FILE *in, char *out, size_t cap)
{
	size_t len;

	if (fgets(out, (int)cap, in) == NULL)
		return PROMPT_NOTHING;
	len = strcspn(out, "\r\n");
	if (out[len] == '\0' && len > cap - 2)
		return PROMPT_LONG;
	out[len] = '\0';
	return PROMPT_OK;
}

enum prompt_result prompt_line(FILE *in, const char *text, char *out, size_t cap)
{
	struct termios before, quiet;
	enum prompt_result result;
	bool hidden;

	if (!prompt_is_person(in))
		return read_line(in, out, cap);
	fputs(text, stderr);
	hidden = tcgetattr(fileno(in), &before) == 0;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	hidden = hidden && tcsetattr(fileno(in), TCSAFLUSH, &quiet) == 0;
	result = read_line(in, out, cap);
	if (hidden) {
		(void)tcsetattr(fileno(in), TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	return result;
}
