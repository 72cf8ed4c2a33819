/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors 0, 1 and 2. Who starts a program may have closed them; then the next file or socket that it opens takes
 * their place, and what it means for standard error is written into that one.
 */
#ifndef RELAYD_BASE_STANDARD_DESCRIPTORS_H
#define RELAYD_BASE_STANDARD_DESCRIPTORS_H

#include <stdbool.h>

/*
 * Puts something into the place of each that is closed, before anything else is opened. It still fails to be read, or
 * written to, with EBADF: nothing is taken for printed that is not. False if that cannot be done: errno says why.
 */
bool standard_descriptors_hold(void);

#endif
