/* Lets one folder behave to a process as an SMB share or a vfat stick does. Loaded by LD_PRELOAD; see
 * scripts/faults_shares.py.
 *
 * SHARE_FOLDER  the folder; its real path
 * SHARE_LIKE    smb or vfat
 *
 * Both: names are found in any case and kept as they were first written; no links, no exclusive or exchanging rename,
 * no sync of a folder, no attributes, rights that nobody can set.
 * vfat: times in steps of 2 s, nine characters and a last dot or space that no name may have, files up to 4 GiB.
 * smb: what this process has open can be neither replaced nor removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL(number) return (errno = (number), -1)
#define LARGEST ((off64_t)UINT32_MAX)

static char folder[PATH_MAX];
static size_t length;
static int is_vfat;
static locale_t words;

static void set_up(void) {
  const char *given = getenv("SHARE_FOLDER"), *like = getenv("SHARE_LIKE");
  snprintf(folder, sizeof folder, "%s", given ? given : "");
  length = strlen(folder);
  is_vfat = like && strcmp(like, "vfat") == 0;
  words = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

static void ready(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_up);
}

/* -- names ------------------------------------------------------------------------------------ */

static int same_name(const char *one, const char *other) {
  wchar_t a[NAME_MAX + 1], b[NAME_MAX + 1];
  if (!words) return strcasecmp(one, other) == 0;
  locale_t before = uselocale(words);
  size_t read = mbstowcs(a, one, NAME_MAX), also = mbstowcs(b, other, NAME_MAX);
  int same = read != (size_t)-1 && read == also;
  for (size_t at = 0; same && at < read; at++) same = towlower(a[at]) == towlower(b[at]);
  uselocale(before);
  return same;
}

/* The name as the folder spells it. */
static void spell(const char *at, char *name) {
  REAL(opendir);
  DIR *listing = real(at);
  if (!listing) return;
  for (struct dirent *entry; (entry = readdir(listing));) {
    if (same_name(entry->d_name, name)) {
      memcpy(name, entry->d_name, strlen(entry->d_name) + 1);
      break;
    }
  }
  closedir(listing);
}

static int exists(const char *path, struct stat *status) {
  REAL(fstatat);
  return real(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int path_of(int descriptor, char *path) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  REAL(readlink);
  ssize_t read = real(name, path, PATH_MAX - 1);
  if (read < 0) return 0;
  path[read] = 0;
  return 1;
}

static int is_under(const char *path) {
  return length && strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]);
}

static int is_ours(int descriptor) {
  char path[PATH_MAX];
  ready();
  return length && path_of(descriptor, path) && is_under(path);
}

/* Whether a path lies in the folder; if so, `out` is the path with every name that exists as its folder spells it. */
static int resolve(int at, const char *path, char *out) {
  char whole[2 * PATH_MAX], base[PATH_MAX], *rest = NULL;
  ready();
  if (!length || !path || !*path) return 0;
  if (*path == '/') {
    snprintf(whole, sizeof whole, "%s", path);
  } else {
    if (at == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(at, base)) return 0;
    snprintf(whole, sizeof whole, "%s/%s", base, path);
  }
  if (!is_under(whole) || strstr(whole, "/../")) return 0;
  int before = errno, found = 1;
  struct stat status;
  size_t end = length;
  memcpy(out, folder, length + 1);
  for (char *name = strtok_r(whole + length, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
    char spelled[PATH_MAX];
    if (strcmp(name, ".") == 0) continue;
    if (end + strlen(name) + NAME_MAX + 2 > PATH_MAX) return 0;
    snprintf(spelled, sizeof spelled, "%s", name);
    snprintf(out + end, PATH_MAX - end, "/%s", name);
    if (found && !exists(out, &status)) {
      out[end] = 0;
      spell(out, spelled);
      snprintf(out + end, PATH_MAX - end, "/%s", spelled);
      found = exists(out, &status);
    }
    end += strlen(spelled) + 1;
  }
  errno = before;
  return 1;
}

static int is_bad_name(const char *path) {
  const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  size_t size = strlen(name);
  return is_vfat && size && (strpbrk(name, "\\:*?\"<>|") || name[size - 1] == '.' || name[size - 1] == ' ');
}

/* Whether this process has an SMB share's file open. */
static int is_held(const char *path) {
  struct stat wanted, other;
  if (is_vfat || !exists(path, &wanted) || !S_ISREG(wanted.st_mode)) return 0;
  REAL(opendir);
  int (*status_of)(int, struct stat *) = dlsym(RTLD_NEXT, "fstat");
  DIR *listing = real("/proc/self/fd");
  int held = 0;
  for (struct dirent *entry; listing && !held && (entry = readdir(listing));)
    held = status_of(atoi(entry->d_name), &other) == 0 && other.st_dev == wanted.st_dev && other.st_ino == wanted.st_ino;
  if (listing) closedir(listing);
  return held;
}

#define PLACE(at, path)    \
  char place[PATH_MAX];     \
  int ours = resolve(at, path, place); \
  if (ours) at = AT_FDCWD, path = place

/* -- what a file looks like --------------------------------------------------------------------- */

#define SHOW(status)                                                                  \
  do {                                                                                \
    (status)->st_mode = ((status)->st_mode & S_IFMT) | 0755;                          \
    if (is_vfat) {                                                                    \
      (status)->st_mtim.tv_sec &= ~1L, (status)->st_mtim.tv_nsec = 0;                 \
      (status)->st_ctim = (status)->st_atim = (status)->st_mtim;                      \
    }                                                                                 \
  } while (0)

#define STATUS(form, at_form, by_number, follow_not)                                  \
  int at_form(int at, const char *path, struct form *status, int flags) {              \
    REAL(at_form);                                                                    \
    int shown = flags & AT_EMPTY_PATH && path && !*path && is_ours(at);               \
    PLACE(at, path);                                                                  \
    int answer = real(at, path, status, flags);                                       \
    if (answer == 0 && (ours || shown)) SHOW(status);                                 \
    return answer;                                                                    \
  }                                                                                   \
  int form(const char *path, struct form *status) { return at_form(AT_FDCWD, path, status, 0); } \
  int follow_not(const char *path, struct form *status) {                             \
    return at_form(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);                      \
  }                                                                                   \
  int by_number(int descriptor, struct form *status) {                                \
    REAL(by_number);                                                                  \
    int answer = real(descriptor, status);                                            \
    if (answer == 0 && is_ours(descriptor)) SHOW(status);                             \
    return answer;                                                                    \
  }

STATUS(stat, fstatat, fstat, lstat)
STATUS(stat64, fstatat64, fstat64, lstat64)

/* What programs call that were built with a glibc before 2.33. */
int __xstat64(int version, const char *path, struct stat64 *status) { return (void)version, stat64(path, status); }
int __lxstat64(int version, const char *path, struct stat64 *status) { return (void)version, lstat64(path, status); }
int __fxstat64(int version, int number, struct stat64 *status) { return (void)version, fstat64(number, status); }
int __fxstatat64(int version, int at, const char *path, struct stat64 *status, int flags) {
  return (void)version, fstatat64(at, path, status, flags);
}

int statx(int at, const char *restrict path, int flags, unsigned mask, struct statx *restrict status) {
  REAL(statx);
  int shown = flags & AT_EMPTY_PATH && path && !*path && is_ours(at);
  PLACE(at, path);
  int answer = real(at, path, flags, mask, status);
  if (answer != 0 || !(ours || shown)) return answer;
  status->stx_mode = (status->stx_mode & S_IFMT) | 0755;
  if (is_vfat) {
    status->stx_mtime.tv_sec &= ~1LL, status->stx_mtime.tv_nsec = 0;
    status->stx_ctime = status->stx_atime = status->stx_mtime;
  }
  return 0;
}

/* -- calls that only need the right spelling ------------------------------------------------------ */

#define BY_PATH(result, name, parameters, ...) \
  result name parameters {                     \
    REAL(name);                                \
    int at = AT_FDCWD;                         \
    PLACE(at, path);                           \
    return real(__VA_ARGS__);                  \
  }

BY_PATH(int, access, (const char *path, int mode), path, mode)
BY_PATH(DIR *, opendir, (const char *path), path)
BY_PATH(int, rmdir, (const char *path), path)
BY_PATH(ssize_t, readlink, (const char *restrict path, char *restrict to, size_t size), path, to, size)
BY_PATH(int, statvfs, (const char *restrict path, struct statvfs *restrict disk), path, disk)
BY_PATH(int, statvfs64, (const char *restrict path, struct statvfs64 *restrict disk), path, disk)
BY_PATH(long, pathconf, (const char *path, int name), path, name)
BY_PATH(int, inotify_add_watch, (int number, const char *path, uint32_t mask), number, path, mask)
BY_PATH(int, chdir, (const char *path), path)

int faccessat(int at, const char *path, int mode, int flags) {
  REAL(faccessat);
  PLACE(at, path);
  return real(at, path, mode, flags);
}

ssize_t readlinkat(int at, const char *restrict path, char *restrict to, size_t size) {
  REAL(readlinkat);
  PLACE(at, path);
  return real(at, path, to, size);
}

int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
  REAL(utimensat);
  PLACE(at, path);
  return real(at, path, times, flags);
}

/* -- opening and making --------------------------------------------------------------------------- */

static int is_refused(int ours, const char *given, const char *place, int flags) {
  struct stat status;
  if (!ours) return 0;
  if ((flags & O_TMPFILE) == O_TMPFILE) return EOPNOTSUPP;
  return flags & O_CREAT && is_bad_name(given) && !exists(place, &status) ? EINVAL : 0;
}

#define OPEN_AT(name)                                                          \
  int name(int at, const char *path, int flags, ...) {                          \
    REAL(name);                                                                \
    const char *given = path;                                                  \
    va_list more;                                                              \
    va_start(more, flags);                                                     \
    mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                              \
    PLACE(at, path);                                                           \
    int refused = is_refused(ours, given, path, flags);                        \
    if (refused) FAIL(refused);                                                \
    return real(at, path, flags, mode);                                        \
  }

OPEN_AT(openat)
OPEN_AT(openat64)

#define OPEN(name, at_name)                                                    \
  int name(const char *path, int flags, ...) {                                  \
    va_list more;                                                              \
    va_start(more, flags);                                                     \
    mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                              \
    return at_name(AT_FDCWD, path, flags, mode);                               \
  }

OPEN(open, openat)
OPEN(open64, openat64)

#define FOPEN(name)                                                            \
  FILE *name(const char *restrict path, const char *restrict mode) {            \
    REAL(name);                                                                \
    const char *given = path;                                                  \
    int at = AT_FDCWD;                                                         \
    PLACE(at, path);                                                           \
    int refused = is_refused(ours, given, path, *mode == 'r' ? 0 : O_CREAT);   \
    if (refused) return (errno = refused, NULL);                               \
    return real(path, mode);                                                   \
  }

FOPEN(fopen)
FOPEN(fopen64)

int mkdirat(int at, const char *path, mode_t mode) {
  REAL(mkdirat);
  const char *given = path;
  PLACE(at, path);
  if (ours && is_bad_name(given)) FAIL(EINVAL);
  return real(at, path, mode);
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* -- links ------------------------------------------------------------------------------------------ */

int linkat(int at, const char *from, int other, const char *path, int flags) {
  REAL(linkat);
  PLACE(other, path);
  if (ours) FAIL(is_vfat ? EPERM : EOPNOTSUPP);
  return real(at, from, other, path, flags);
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *to, int at, const char *path) {
  REAL(symlinkat);
  PLACE(at, path);
  if (ours) FAIL(EPERM);
  return real(to, at, path);
}

int symlink(const char *to, const char *path) { return symlinkat(to, AT_FDCWD, path); }

/* -- renaming and removing ---------------------------------------------------------------------------- */

int renameat2(int at, const char *from, int other, const char *to, unsigned flags) {
  REAL(renameat2);
  char source[PATH_MAX], target[PATH_MAX];
  struct stat one, two;
  int leaves = resolve(at, from, source), comes = resolve(other, to, target);
  if ((leaves || comes) && flags) FAIL(EINVAL);
  if (leaves) at = AT_FDCWD, from = source;
  if (!comes) return real(at, from, other, to, flags);
  if (is_bad_name(to)) FAIL(EINVAL);
  if (leaves && exists(source, &one) && exists(target, &two) && one.st_dev == two.st_dev && one.st_ino == two.st_ino) {
    const char *name = strrchr(to, '/') ? strrchr(to, '/') + 1 : to; /* only its spelling changes */
    char *last = strrchr(target, '/') + 1;
    if (strlen(name) == strlen(last)) memcpy(last, name, strlen(name));
  } else if (is_held(target)) {
    FAIL(EACCES);
  }
  return real(at, from, AT_FDCWD, target, 0);
}

int renameat(int at, const char *from, int other, const char *to) { return renameat2(at, from, other, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *path, int flags) {
  REAL(unlinkat);
  PLACE(at, path);
  if (ours && is_held(path)) FAIL(EBUSY);
  return real(at, path, flags);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

/* -- rights, attributes, syncs ---------------------------------------------------------------------- */

static int rights(void) {
  if (is_vfat) FAIL(EPERM);
  return 0;
}

int fchmodat(int at, const char *path, mode_t mode, int flags) {
  REAL(fchmodat);
  PLACE(at, path);
  return ours ? rights() : real(at, path, mode, flags);
}

int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }

int fchmod(int descriptor, mode_t mode) {
  REAL(fchmod);
  return is_ours(descriptor) ? rights() : real(descriptor, mode);
}

int fchownat(int at, const char *path, uid_t user, gid_t group, int flags) {
  REAL(fchownat);
  PLACE(at, path);
  return ours ? rights() : real(at, path, user, group, flags);
}

int chown(const char *path, uid_t user, gid_t group) { return fchownat(AT_FDCWD, path, user, group, 0); }

int lchown(const char *path, uid_t user, gid_t group) {
  return fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}

int fchown(int descriptor, uid_t user, gid_t group) {
  REAL(fchown);
  return is_ours(descriptor) ? rights() : real(descriptor, user, group);
}

int setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
  REAL(setxattr);
  int at = AT_FDCWD;
  PLACE(at, path);
  if (ours) FAIL(EOPNOTSUPP);
  return real(path, name, value, size, flags);
}

int fsetxattr(int descriptor, const char *name, const void *value, size_t size, int flags) {
  REAL(fsetxattr);
  if (is_ours(descriptor)) FAIL(EOPNOTSUPP);
  return real(descriptor, name, value, size, flags);
}

ssize_t listxattr(const char *path, char *names, size_t size) {
  REAL(listxattr);
  int at = AT_FDCWD;
  PLACE(at, path);
  if (ours) FAIL(EOPNOTSUPP);
  return real(path, names, size);
}

int fsync(int descriptor) {
  REAL(fsync);
  struct stat status;
  if (is_ours(descriptor) && fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) FAIL(EINVAL);
  return real(descriptor);
}

/* -- no file above 4 GiB ------------------------------------------------------------------------------ */

static int is_too_long(int descriptor, off64_t end) { return is_vfat && end > LARGEST && is_ours(descriptor); }

ssize_t write(int descriptor, const void *data, size_t size) {
  REAL(write);
  ready();
  if (is_vfat) {
    int before = errno;
    off64_t at = lseek64(descriptor, 0, SEEK_CUR);
    errno = before;
    if (at >= 0 && is_too_long(descriptor, at + (off64_t)size)) FAIL(EFBIG);
  }
  return real(descriptor, data, size);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t at) {
  REAL(pwrite64);
  if (is_too_long(descriptor, at + (off64_t)size)) FAIL(EFBIG);
  return real(descriptor, data, size, at);
}

int ftruncate64(int descriptor, off64_t size) {
  REAL(ftruncate64);
  if (is_too_long(descriptor, size)) FAIL(EFBIG);
  return real(descriptor, size);
}

int truncate64(const char *path, off64_t size) {
  REAL(truncate64);
  int at = AT_FDCWD;
  PLACE(at, path);
  if (ours && is_vfat && size > LARGEST) FAIL(EFBIG);
  return real(path, size);
}
