/* go.c over the race runtime: the same promises, with the hooks on. */
#include "go.c"
