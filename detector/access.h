/* access.h - checking and recording accesses. access.c, readset.c and split.c have the essays. */
#ifndef DET_ACCESS_H
#define DET_ACCESS_H

#include "clock.h"
#include "shadow.h"

/* What an access is, beside its bytes. */
#define ACCESS_WRITE 1u
#define ACCESS_ATOMIC 2u
#define ACCESS_FREE 4u   /* by free() */
#define ACCESS_OBJECT 8u /* to a synchronisation object as such */

/* Earlier accesses that one access conflicts with, noted while locks are held and reported after. */
#define HITS_MAX 8
struct hits {
    u32 n;
    struct hit *more; /* from the HITS_MAX'th on; only with debug_all, which wants each granule's */
    struct hit {
        u64 word;    /* of the earlier access, with the bytes that both touch */
        uintptr_t granule;
        u32 flags;   /* ACCESS_WRITE */
    } hit[HITS_MAX];
};

extern bool debug_all; /* finding.c: report everything, so that verdicts can be compared */

void hits_add(struct hits *h, uintptr_t granule, u64 old, u64 now, u32 flags);

static inline bool word_conflicts(const struct race_g *g, u64 old, u64 now)
{
    return (old & now & WORD_BYTES) && !(old & now & WORD_ATOMIC) &&
           !g_knows(g, word_id(old), word_epoch(old));
}

/* The read `now` makes the earlier `old` superfluous: whoever is ordered after now is after old. */
static inline bool read_supersedes(const struct race_g *g, u64 now, u64 old)
{
    return (old & ~now & WORD_BYTES) == 0 && ((old & WORD_ATOMIC) || !(now & WORD_ATOMIC)) &&
           g_knows(g, word_id(old), word_epoch(old));
}

/* One granule: check `now` (bytes within it) against the shadow and record it there. */
void granule_write(struct race_g *g, u64 *s, u64 now, struct hits *h);
void granule_read(struct race_g *g, u64 *s, u64 now, struct hits *h);

/* Any access of the goroutine g: shadow, history and, last, findings. `shadowed`: g is current. */
void access_slow(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags);
/* The same without reporting, for callers that hold a lock; hits_report afterwards. */
void access_note(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags, struct hits *h);
void hits_report(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags, struct hits *h);

/* readset.c: words with WORD_SPECIAL in word[1]. Each word stored in a shadow holds one reference. */
void sets_init(void);
/* All false: the set in *where changed meanwhile, try again. */
bool set_check(struct race_g *g, const u64 *where, u64 set, uintptr_t granule, u64 now,
               struct hits *h);
bool set_add(struct race_g *g, u64 *where, u64 old, u64 now);
/* Is the read `now` in it, as far as can be seen at once? */
bool set_knows(struct race_g *g, const u64 *where, u64 handle, u64 now);
bool set_remove(u64 *where, u64 set, u64 bytes);
bool set_ref(u64 set);
void set_drop(u64 set);

/* split.c: words with WORD_SPECIAL in word[0]. */
void splits_init(void);
/* False: it is no longer split, or not as thought; try again. */
bool split_access(struct race_g *g, u64 *s, u64 now, bool write, struct hits *h);
bool split_make(u64 *s, u64 w, u64 r);
/* Does the record that word[0], `seen`, names say this access already? */
bool split_knows(const u64 *s, u64 seen, u64 now, bool write);
void split_free(u64 *s, u64 w);

/* finding.c */
void finding_race(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags,
                  const struct hit *hit);

#endif
