#include "source_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_piece.h"
#include "file_walk.h"

/* What was named: its real path, of which the last component is where its entries begin. */
struct root {
	char *path;
	size_t before_name;
	uint32_t first; /* index of its entry */
};

struct source_files {
	struct manifest *manifest;
	void (*on_skipped)(void *arg, const char *path, const char *what);
	void *arg;
	struct root *roots;
	size_t root_count;
	struct transfer_entry entry; /* of the open file */
	int fd;
	char *why; /* of source_files_add that runs */
	char path[PATH_MAX];
};

struct source_files *source_files_new(const uint8_t key[static MANIFEST_KEY_LEN],
				      void (*on_skipped)(void *arg, const char *path,
							 const char *what),
				      void *arg)
{
	struct source_files *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fd = -1;
	s->on_skipped = on_skipped;
	s->arg = arg;
	s->manifest = manifest_new(key);
	if (s->manifest != NULL)
		return s;
	source_files_free(s);
	return NULL;
}

void source_files_free(struct source_files *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	for (size_t i = 0; i < s->root_count; i++)
		free(s->roots[i].path);
	free(s->roots);
	manifest_free(s->manifest);
	free(s);
}

static bool refuse(struct source_files *s, const char *what, const char *remedy)
{
	char name[SAFE_TEXT_MAX];

	snprintf(s->why, SOURCE_WHY_MAX, "%s: %s; %s", safe_text(bytes_of_str(s->path), name), what,
		 remedy);
	return false;
}

static bool refuse_errno(struct source_files *s)
{
	int err = errno;

	return refuse(s, strerror(err),
		      err == EACCES ? "leave it out, or see to its permissions"
				    : "look at its name");
}

static const char *kind_text(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a symbolic link";
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISFIFO(mode))
		return "a pipe";
	return "a device";
}

static const char *why_not(enum manifest_result result)
{
	if (result == MANIFEST_TWICE)
		return "its name was given twice";
	return result == MANIFEST_SIZE ? "it has more than 2^40 bytes: split it"
				       : manifest_why(result);
}

static bool add_entry(struct source_files *s, const struct root *root, const struct stat *st)
{
	uint8_t safe[SAFE_PATH_MAX];
	struct transfer_entry e = { .kind = S_ISDIR(st->st_mode) ? ENTRY_DIRECTORY : ENTRY_FILE,
				    .mode = (uint16_t)(st->st_mode & TRANSFER_MODE),
				    .mtime_s = st->st_mtim.tv_sec,
				    .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
				    .path = bytes_of_str(s->path + root->before_name) };
	enum manifest_result result;
	enum safe_name verdict;
	size_t len;

	if (e.kind == ENTRY_FILE)
		e.size = (uint64_t)st->st_size;
	verdict = safe_name(e.path, safe, &len);
	if (!safe_name_is_good(verdict))
		return refuse(s, "its name cannot be sent", safe_name_why(verdict));
	result = manifest_add(s->manifest, &e);
	if (result == MANIFEST_OK)
		return true;
	return refuse(s, "cannot be sent", why_not(result));
}

static bool add_path(struct source_files *s, const struct root *root);

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool add_child(struct source_files *s, const struct root *root, const char *name)
{
	size_t len = strlen(s->path);
	bool ok;

	if (is_dots(name))
		return true;
	if (len + 1 + strlen(name) >= sizeof(s->path)) {
		errno = ENAMETOOLONG;
		return refuse_errno(s);
	}
	snprintf(s->path + len, sizeof(s->path) - len, "/%s", name);
	ok = add_path(s, root);
	if (ok)
		s->path[len] = '\0';
	return ok;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_children(struct source_files *s, const struct root *root)
{
	struct dirent **names;
	int count = scandir(s->path, &names, NULL, by_bytes);
	bool ok = true;

	if (count < 0)
		return refuse_errno(s);
	for (int i = 0; i < count; i++) {
		ok = ok && add_child(s, root, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return ok;
}

static bool is_part(const struct source_files *s)
{
	uint8_t safe[SAFE_PATH_MAX];
	const char *name = strrchr(s->path, '/') + 1;
	size_t len;

	return safe_name(bytes_of_str(name), safe, &len) == SAFE_NAME_PART;
}

/* Below what was named; that itself has to be something. */
static bool leave_out(struct source_files *s, const struct root *root, const char *what)
{
	if (strcmp(s->path, root->path) == 0)
		return refuse(s, what,
			      "name a file or a directory; natprobe pipe carries the rest");
	s->on_skipped(s->arg, s->path, what);
	return true;
}

/* s->path, and what is in it. */
static bool add_path(struct source_files *s, const struct root *root)
{
	struct stat st;

	if (lstat(s->path, &st) != 0)
		return refuse_errno(s);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return leave_out(s, root, kind_text(st.st_mode));
	if (is_part(s))
		return leave_out(s, root, "the rest of a transfer that did not end");
	if (access(s->path, S_ISDIR(st.st_mode) ? R_OK | X_OK : R_OK) != 0)
		return refuse_errno(s);
	if (!add_entry(s, root, &st))
		return false;
	return !S_ISDIR(st.st_mode) || add_children(s, root);
}

/* A link that was named is followed. */
static bool add_root(struct source_files *s, const char *operand)
{
	struct root *roots = realloc(s->roots, (s->root_count + 1) * sizeof(*roots));
	struct root *root;

	if (roots == NULL)
		return refuse_errno(s);
	s->roots = roots;
	root = &roots[s->root_count];
	*root = (struct root){ .first = manifest_count(s->manifest) };
	if (realpath(operand, s->path) == NULL) {
		snprintf(s->path, sizeof(s->path), "%s", operand);
		return refuse_errno(s);
	}
	if (strcmp(s->path, "/") == 0)
		return refuse(s, "it has no name to send it by", "name what is in it");
	root->path = strdup(s->path);
	if (root->path == NULL)
		return refuse_errno(s);
	root->before_name = (size_t)(strrchr(s->path, '/') + 1 - s->path);
	s->root_count++;
	return add_path(s, root);
}

bool source_files_add(struct source_files *s, const char *operand, char why[static SOURCE_WHY_MAX])
{
	s->why = why;
	return add_root(s, operand);
}

const struct manifest *source_files_manifest(const struct source_files *s)
{
	return s->manifest;
}

static const struct root *root_of(const struct source_files *s, uint32_t index)
{
	size_t i = s->root_count;

	while (i > 1 && s->roots[i - 1].first > index)
		i--;
	return &s->roots[i - 1];
}

static bool is_as_told(const struct source_files *s)
{
	struct stat st;

	return fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == s->entry.size && st.st_mtim.tv_sec == s->entry.mtime_s &&
	       (uint32_t)st.st_mtim.tv_nsec == s->entry.mtime_ns;
}

static int on_close(void *arg)
{
	struct source_files *s = arg;
	bool ok = is_as_told(s);

	(void)close(s->fd);
	s->fd = -1;
	return ok ? 0 : TRANSFER_CHANGED;
}

/* The directory of an entry. A link that came there meanwhile would lead to what nobody named. */
static int open_parent(const struct root *root, struct bytes parent)
{
	char path[PATH_MAX];
	int top, fd;

	(void)snprintf(path, sizeof(path), "%.*s", (int)root->before_name, root->path);
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	fd = file_walk(top, parent);
	(void)close(top);
	return fd;
}

static int open_entry(const struct root *root, struct bytes path)
{
	char name[SAFE_COMPONENT_MAX + 1];
	struct bytes parent, last = file_walk_name(path, &parent);
	int dir = open_parent(root, parent), fd;

	if (dir < 0)
		return dir;
	(void)snprintf(name, sizeof(name), "%.*s", (int)last.len, (const char *)last.data);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	(void)close(dir);
	return fd;
}

static int on_open(void *arg, uint32_t index)
{
	struct source_files *s = arg;

	s->entry = manifest_get(s->manifest, index);
	s->fd = open_entry(root_of(s, index), s->entry.path);
	if (s->fd < 0)
		return s->fd;
	return is_as_told(s) ? 0 : on_close(s);
}

static int64_t on_read(void *arg, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole)
{
	const struct source_files *s = arg;

	return file_piece_read(s->fd, at, buf, cap, hole);
}

struct transfer_source source_files_table(struct source_files *s)
{
	return (struct transfer_source){
		.open = on_open, .read = on_read, .close = on_close, .arg = s
	};
}
