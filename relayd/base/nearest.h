/* SPDX-License-Identifier: Apache-2.0 */
/* Which of some known names was probably meant: for "did you mean". */
#ifndef RELAYD_BASE_NEAREST_H
#define RELAYD_BASE_NEAREST_H

/* Set `wanted` and leave the rest zero; offer every known name; then `name` is the nearest one, or NULL if none is
 * near. */
struct nearest {
	const char *wanted;
	const char *name;
	unsigned distance; /* of `name`, in slips of the finger */
};

/* Takes `candidate` if it is near and nearer than all before it. The pointer is kept. Equal distance: the first one
 * stays. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
