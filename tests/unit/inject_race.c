/* inject.c over the race runtime: the detector's calls fail as well. */
#include "inject.c"
