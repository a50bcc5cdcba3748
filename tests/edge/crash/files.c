/* Preloaded into a process: writes down, in order, what it does to the files below a directory, and what
 * it says on standard error; and lets the disk be full for as long as a file is there.
 *
 * FILES_BELOW    the directory
 * FILES_JOURNAL  where it is written down; may be absent
 * FILES_FULL     while this file is there, nothing can be written; may be absent
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 4096

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char watched[FILES_MAX];
static int journal = -1;

static const char *below(void) {
    static const char *directory;
    if (!directory) directory = getenv("FILES_BELOW") ? getenv("FILES_BELOW") : "";
    return directory;
}

static int is_below(const char *path) {
    const char *directory = below();
    size_t length = strlen(directory);
    return length && strncmp(path, directory, length) == 0;
}

static int is_full(void) {
    const char *full = getenv("FILES_FULL");
    return full && syscall(SYS_access, full, F_OK) == 0;
}

/* One record: operation, lengths, inode, offset; then the path and the data. */
static void note(char op, const char *path, uint64_t ino, int64_t offset, const void *data, uint32_t length) {
    const char *name = getenv("FILES_JOURNAL");
    if (!name) return;
    if (journal < 0)
        journal = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    uint32_t path_length = path ? strlen(path) : 0;
    size_t size = 25 + path_length + length;
    char *record = malloc(size);
    record[0] = op;
    memcpy(record + 1, &path_length, 4);
    memcpy(record + 5, &length, 4);
    memcpy(record + 9, &ino, 8);
    memcpy(record + 17, &offset, 8);
    if (path) memcpy(record + 25, path, path_length);
    if (data) memcpy(record + 25 + path_length, data, length);
    if (syscall(SYS_write, journal, record, size) != (long)size) abort();
    free(record);
}

static uint64_t inode(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static int is_watched(int fd) { return fd >= 0 && fd < FILES_MAX && watched[fd]; }

static int opened(int fd, const char *path, int flags) {
    if (fd >= 0 && fd < FILES_MAX) {
        watched[fd] = path && is_below(path);
        if (watched[fd]) {
            note('o', path, inode(fd), 0, NULL, 0);
            if (flags & O_TRUNC) note('t', NULL, inode(fd), 0, NULL, 0);
        }
    }
    return fd;
}

static int open_any(int dir, const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&lock);
    int fd = syscall(SYS_openat, dir, path, flags, mode);
    opened(fd, path, flags);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags) return open_any(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags) return open_any(dir, path, flags, mode); }

int close(int fd) {
    if (fd >= 0 && fd < FILES_MAX) watched[fd] = 0;
    return syscall(SYS_close, fd);
}

static ssize_t written(int fd, const void *data, ssize_t done, int64_t offset) {
    if (done > 0) note('w', NULL, inode(fd), offset, data, done);
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    if (fd == 2) {
        pthread_mutex_lock(&lock);
        ssize_t done = syscall(SYS_write, fd, data, length);
        if (done > 0) note('a', NULL, 0, 0, data, done);
        pthread_mutex_unlock(&lock);
        return done;
    }
    if (!is_watched(fd)) return syscall(SYS_write, fd, data, length);
    if (is_full()) { errno = ENOSPC; return -1; }
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_write, fd, data, length);
    if (done > 0) written(fd, data, done, syscall(SYS_lseek, fd, 0, SEEK_CUR) - done);
    pthread_mutex_unlock(&lock);
    return done;
}

static ssize_t pwrite_any(int fd, const void *data, size_t length, int64_t offset) {
    if (!is_watched(fd)) return syscall(SYS_pwrite64, fd, data, length, offset);
    if (is_full()) { errno = ENOSPC; return -1; }
    pthread_mutex_lock(&lock);
    ssize_t done = written(fd, data, syscall(SYS_pwrite64, fd, data, length, offset), offset);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite_any(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return pwrite_any(fd, data, length, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_watched(fd) && fd != 2) return syscall(SYS_writev, fd, parts, count);
    ssize_t all = 0;
    for (int part = 0; part < count; part++) {
        ssize_t done = write(fd, parts[part].iov_base, parts[part].iov_len);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < parts[part].iov_len) break;
    }
    return all;
}

static int truncate_any(int fd, int64_t length) {
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_ftruncate, fd, length);
    if (done == 0 && is_watched(fd)) note('t', NULL, inode(fd), length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t length) { return truncate_any(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncate_any(fd, length); }

static int sync_any(int fd) {
    if (!is_watched(fd)) return syscall(SYS_fsync, fd);
    if (is_full()) { errno = ENOSPC; return -1; }
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_fsync, fd);
    if (done == 0) note('s', NULL, inode(fd), 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return sync_any(fd); }
int fdatasync(int fd) { return sync_any(fd); }

int unlink(const char *path) {
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0 && is_below(path)) note('u', path, 0, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0 && is_below(from)) note('r', from, 0, 0, to, strlen(to));
    pthread_mutex_unlock(&lock);
    return done;
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
    if (done == 0 && is_below(from)) note('l', from, 0, 0, to, strlen(to));
    pthread_mutex_unlock(&lock);
    return done;
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
