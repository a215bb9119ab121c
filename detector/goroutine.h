/* goroutine.h - records of goroutines and threads. */
#ifndef DET_GOROUTINE_H
#define DET_GOROUTINE_H

#include "history.h"

void g_init(void);
/* A record that knows what `creator` knows (NULL: nothing); created is a stack id. */
struct race_g *g_new(struct race_g *creator, uint64_t goid, u32 created, uintptr_t fn, u32 flags);
void g_end(struct race_g *g);
void g_stack_grow(struct race_g *g);
void g_unwind(struct race_g *g, size_t depth); /* functions were left without being exited */
void g_jumps_drop(struct race_g *g);

#endif
