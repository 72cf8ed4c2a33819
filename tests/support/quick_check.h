/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comes before everything else in each unit and fault test (tests/CMakeLists.txt). Check writes to a file for each assertion
 * that holds, so that it can say behind which one a test died; where a test makes a million of them that is most of its
 * time. Here the first thousands of each thread are noted, and then one of many.
 */
#ifndef TESTS_SUPPORT_QUICK_CHECK_H
#define TESTS_SUPPORT_QUICK_CHECK_H

#include <check.h>

static inline void quick_mark_point(const char *file, int line)
{
	enum { ALL_OF = 4096, THEN_ONE_OF = 256 };
	static _Thread_local unsigned marks;
	if (marks < ALL_OF || marks % THEN_ONE_OF == 0)
		_mark_point(file, line);
	marks++;
}

/* What Check's macros call where an assertion holds. */
#define _mark_point quick_mark_point

#endif
