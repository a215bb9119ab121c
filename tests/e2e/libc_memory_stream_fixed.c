// status: 0
// says: all as it should be
#define FIXED
#include "libc_memory_stream.c"
