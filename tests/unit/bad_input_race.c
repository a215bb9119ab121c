/* bad_input_race.c - the same under the race runtime: misuse is a finding as well. */
#define RACE_STATUS 66
#include "bad_input.c"
