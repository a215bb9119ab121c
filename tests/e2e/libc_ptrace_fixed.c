// status: 0
// says: 0 findings: as it should be
#define FIXED
#include "libc_ptrace.c"
