/* groups.c over the race runtime: the same promises, with the hooks on. */
#define ENDS_WITH_FINDING 66
#include "groups.c"
