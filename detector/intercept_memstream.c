/*
 * intercept_memstream.c - stdio on memory: fmemopen, open_memstream, open_wmemstream.
 *
 * What goes through such a stream ends in memory of the program's, and comes from there, by code of libc's
 * that nobody sees. TSan looks at none of it. When it does is what the standard leaves to the buffer between,
 * so a byte is claimed where the contract says that it has been touched, and no sooner: a finding must not
 * rest on how large a buffer is.
 *
 *   written     what was written is in memory after fflush and fclose: these write it, the end that they put
 *               behind it, and for open_memstream the program's pointer and size. A buffer that was full
 *               wrote before; that is claimed late, not wrongly.
 *   read        the first call that reads fills the buffer: it has read at least the bytes it gave. What
 *               later calls give may have been read then, and is not claimed again until the stream is
 *               flushed or placed anew.
 *   fmemopen    "w+" clears the first byte, "a" looks for the end.
 *
 * Rejected: replacing fmemopen by a stream of our own (fopencookie), which would see each access, and would
 * have to be libc's fmemopen in all its corners.
 *
 * The streams are in a list by their FILE; while there are none, a call asks one word. An entry lives from
 * open to close, which the program orders as it must order any close with a use.
 */
#include "stream.h"
#include <errno.h>
#include <stdio.h>
#include <wchar.h>

#define R(p, n) det_read_range(pc, (uintptr_t)(p), (n))
#define W(p, n) det_write_range(pc, (uintptr_t)(p), (n))

struct memstream {
    struct memstream *next;
    const FILE *f;
    char *buf; /* fmemopen's; NULL: it grows, and *at and *size tell */
    size_t n, unit;
    void **at;
    size_t *size;
    off_t known; /* so far the bytes are claimed */
    off_t end;   /* beyond it a zero follows what is written */
    bool filled, wrote; /* since the stream was placed or flushed */
};
static struct memstream *list;
static u32 list_lock;

static void opened(struct memstream m)
{
    struct memstream *p = det_alloc(sizeof *p);
    det_lock(&list_lock);
    m.next = list;
    *p = m;
    __atomic_store_n(&list, p, __ATOMIC_RELEASE);
    det_unlock(&list_lock);
}
static struct memstream *find(const FILE *f)
{
    if (likely(!__atomic_load_n(&list, __ATOMIC_ACQUIRE)))
        return NULL;
    det_lock(&list_lock);
    struct memstream *m = list;
    while (m && m->f != f)
        m = m->next;
    det_unlock(&list_lock);
    return m;
}
static void dropped(struct memstream *m)
{
    det_lock(&list_lock);
    struct memstream **at = &list;
    while (*at != m)
        at = &(*at)->next;
    __atomic_store_n(at, m->next, __ATOMIC_RELEASE);
    det_unlock(&list_lock);
    det_release(m, sizeof *m);
}

static off_t place(FILE *f)
{
    int saved = errno;
    off_t at = ftello(f);
    errno = saved;
    return at;
}

/* A stream without a descriptor is no error of the caller's. */
int icept_stream_fd(FILE *f)
{
    int saved = errno, fd = fileno_unlocked(f);
    errno = saved;
    return fd;
}

/* --- opened ----------------------------------------------------------------------------------- */

ICEPT(FILE *, fmemopen, (void *b, size_t n, const char *mode))
{
    uintptr_t pc = ICEPT_PC();
    bool seen = icept_mem(pc);
    if (seen) {
        R(mode, det_len(mode) + 1);
        if (b && n && mode[0] == 'a') {
            size_t k = 0;
            while (k < n && ((char *)b)[k])
                k++;
            R(b, k < n ? k + 1 : n);
        }
    }
    FILE *f = REAL(fmemopen)(b, n, mode);
    if (f && seen && b) {
        int saved = errno;
        if (n && mode[0] == 'w' && mode[1] == '+')
            W(b, 1);
        off_t at = place(f), end = mode[0] == 'r' ? (off_t)n : at;
        opened((struct memstream){.f = f, .buf = b, .n = n, .unit = 1, .known = at, .end = end});
        errno = saved;
    }
    return f;
}
#define OPEN_MEMSTREAM(name, type)                                                                     \
    ICEPT(FILE *, name, (type **at, size_t *size))                                                     \
    {                                                                                                  \
        uintptr_t pc = ICEPT_PC();                                                                     \
        FILE *f = REAL(name)(at, size);                                                                \
        if (f && icept_mem(pc)) {                                                                      \
            int saved = errno;                                                                         \
            W(at, sizeof *at);                                                                         \
            W(size, sizeof *size);                                                                     \
            opened((struct memstream){.f = f, .at = (void **)at, .size = size, .unit = sizeof(type)}); \
            errno = saved;                                                                             \
        }                                                                                              \
        return f;                                                                                      \
    }
OPEN_MEMSTREAM(open_memstream, char)
OPEN_MEMSTREAM(open_wmemstream, wchar_t)

/* --- used ------------------------------------------------------------------------------------- */

void icept_stream_in(FILE *f, uintptr_t pc)
{
    icept_fd_in(icept_stream_fd(f));
    struct memstream *m = find(f);
    if (!m || !m->buf || m->filled || m->wrote || !icept_mem(pc))
        return;
    off_t to = place(f);
    if (to > m->known && (size_t)to <= m->n) {
        R(m->buf + m->known, (size_t)(to - m->known));
        m->filled = true;
    }
}
void icept_stream_out(FILE *f)
{
    icept_fd_out(icept_stream_fd(f));
    struct memstream *m = find(f);
    if (m)
        m->wrote = true;
}

/* What has been written arrives. */
static void arrived(struct memstream *m, off_t to, uintptr_t pc)
{
    if (!icept_mem(pc)) {
    } else if (m->at) {
        W(m->at, sizeof *m->at);
        W(m->size, sizeof *m->size);
        W(*m->at, (*m->size + 1) * m->unit);
    } else if (m->wrote && !m->filled && to > m->known) {
        size_t n = (size_t)to + (to > m->end);
        W(m->buf + m->known, (n < m->n ? n : m->n) - (size_t)m->known);
    }
    m->end = to > m->end ? to : m->end;
    m->filled = m->wrote = false;
}

#define FFLUSH(name)                              \
    ICEPT(int, name, (FILE * f))                  \
    {                                             \
        ICEPT_MAY_SLEEP();                        \
        uintptr_t pc = ICEPT_PC();                \
        struct memstream *m = f ? find(f) : NULL; \
        off_t to = m ? place(f) : 0;              \
        if (f && icept_sync(pc))                  \
            icept_fd_out(icept_stream_fd(f));     \
        int r = REAL(name)(f);                    \
        ICEPT_SLEPT();                            \
        if (m && r == 0) {                        \
            int saved = errno;                    \
            arrived(m, to, pc);                   \
            m->known = to;                        \
            errno = saved;                        \
        }                                         \
        return r;                                 \
    }
FFLUSH(fflush)
FFLUSH(fflush_unlocked)

ICEPT(int, fclose, (FILE * f))
{
    uintptr_t pc = ICEPT_PC();
    struct memstream *m = find(f);
    off_t to = m ? place(f) : 0;
    if (!icept_own(pc))
        icept_fd_closes(icept_stream_fd(f), pc);
    int r = REAL(fclose)(f);
    if (m) {
        int saved = errno;
        if (r == 0)
            arrived(m, to, pc);
        dropped(m);
        errno = saved;
    }
    return r;
}

/* Placed anew, a stream fills its buffer anew, after what it held has arrived. */
static void placed(struct memstream *m, FILE *f, off_t was, uintptr_t pc)
{
    int saved = errno;
    if (m->buf)
        arrived(m, was, pc);
    m->known = place(f);
    errno = saved;
}
#define PLACED(name, type)                   \
    ICEPT(int, name, (FILE * f, type o, int w)) \
    {                                        \
        struct memstream *m = find(f);       \
        off_t was = m ? place(f) : 0;        \
        int r = REAL(name)(f, o, w);         \
        if (m)                               \
            placed(m, f, was, ICEPT_PC());   \
        return r;                            \
    }
PLACED(fseek, long)
PLACED(fseeko, off_t)
PLACED(fseeko64, off64_t)
ICEPT(void, rewind, (FILE * f))
{
    struct memstream *m = find(f);
    off_t was = m ? place(f) : 0;
    REAL(rewind)(f);
    if (m)
        placed(m, f, was, ICEPT_PC());
}
