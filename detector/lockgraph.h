/* lockgraph.h - which locks are on a cycle of the order graph. lockgraph.c has the essay. */
#ifndef LOCKGRAPH_H
#define LOCKGRAPH_H

#include "facts.h"

/* All under the caller's lock. */
void lockgraph_init(void);
/* `to` was taken inside `from`. True: they are (now) in one strongly connected component. */
bool lockgraph_edge(u32 from, u32 to);
bool lockgraph_cyclic(u32 a, u32 b);
/* The lock is gone, and its edges with it. */
void lockgraph_forget(u32 i);
/* For the unit test: the component graph's order is a topological one. */
bool lockgraph_valid(void);

#endif
