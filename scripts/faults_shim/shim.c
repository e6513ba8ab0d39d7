/* Makes system calls on one folder fail now and then, as a bad disk does, and sets the clock that a process sees.
 * Loaded by LD_PRELOAD; see scripts/faults.py.
 *
 * FAULT_FOLDER  only calls on files under this folder
 * FAULT_ERRNO   the error's number
 * FAULT_EVERY   every so many such calls one fails, in each process
 * FAULT_LOG     a byte is added for each call that failed
 * FAULT_CLOCK   file of one int64: seconds by which the clock is wrong, right now
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int counted;
static __thread int inside;

static int under(const char *path) {
  const char *folder = getenv("FAULT_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int under_descriptor(int descriptor) {
  char name[64], path[PATH_MAX];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return under(path);
}

/* Whether this call is to fail. */
static int fails(int ours) {
  if (!ours || inside) return 0;
  const char *every = getenv("FAULT_EVERY"), *number = getenv("FAULT_ERRNO"), *log = getenv("FAULT_LOG");
  if (!every || !number || __sync_add_and_fetch(&counted, 1) % atoi(every) != 0) return 0;
  inside = 1;
  if (log) {
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int descriptor = real_open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (descriptor >= 0) {
      if (real_write(descriptor, ".", 1) < 0) { /* the count is one short */
      }
      close(descriptor);
    }
  }
  inside = 0;
  errno = atoi(number);
  return 1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int descriptor, const void *data, size_t length) {
  REAL(write);
  return fails(under_descriptor(descriptor)) ? -1 : real(descriptor, data, length);
}

int fsync(int descriptor) {
  REAL(fsync);
  return fails(under_descriptor(descriptor)) ? -1 : real(descriptor);
}

ssize_t read(int descriptor, void *data, size_t length) {
  REAL(read);
  return fails(under_descriptor(descriptor)) ? -1 : real(descriptor, data, length);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  return fails(under(from) || under(to)) ? -1 : real(from, to);
}

int renameat2(int at, const char *from, int other, const char *to, unsigned flags) {
  REAL(renameat2);
  return fails(under(from) || under(to)) ? -1 : real(at, from, other, to, flags);
}

int link(const char *from, const char *to) {
  REAL(link);
  return fails(under(from) || under(to)) ? -1 : real(from, to);
}

int unlink(const char *path) {
  REAL(unlink);
  return fails(under(path)) ? -1 : real(path);
}

static mode_t mode_of(int flags, va_list more) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; }

#define OPEN(name)                                      \
  int name(const char *path, int flags, ...) {           \
    REAL(name);                                          \
    va_list more;                                        \
    va_start(more, flags);                               \
    mode_t mode = mode_of(flags, more);                  \
    va_end(more);                                        \
    return fails(under(path)) ? -1 : real(path, flags, mode); \
  }

OPEN(open)
OPEN(open64)

static const volatile int64_t *wrong_by;

/* One mapping for the process's life: the clock is asked far too often to read a file each time. */
__attribute__((constructor)) static void map_clock(void) {
  const char *path = getenv("FAULT_CLOCK");
  int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void *mapped = mmap(NULL, sizeof *wrong_by, PROT_READ, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (mapped != MAP_FAILED) wrong_by = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static __typeof__(&clock_gettime) real;
  if (!real) real = (__typeof__(&clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(clock, now);
  if (answer == 0 && clock == CLOCK_REALTIME && wrong_by) now->tv_sec += *wrong_by;
  return answer;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
