// status: 0
// says: all as it should be
#define RACY 0
#include "fd_flock.c"
