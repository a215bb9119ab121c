/* preempt.c over the race runtime: its handler is in the way as well. */
#include "preempt.c"
