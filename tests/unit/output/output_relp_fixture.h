/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the driver `relp` share: an output on a real spool, and a scripted server that it connects to. */
#ifndef TESTS_UNIT_OUTPUT_OUTPUT_RELP_FIXTURE_H
#define TESTS_UNIT_OUTPUT_OUTPUT_RELP_FIXTURE_H

#include "output/link.h"
#include "unit/output/output_fixture.h"
#include "unit/output/relp_script.h"

enum { MANY = 10000 };

static struct relp_script *script;

/* Its waits between sessions are short. Of a message that is refused again and again the longest is to be seen. */
static inline void start_relp(void)
{
	link_pauses = (struct backoff){.min_ns = 50 * CLOCK_NS_PER_MS, .max_ns = 2 * CLOCK_NS_PER_SECOND};
	script_start(script, 0);
	new_settings(&output_relp);
	set("servers", script_address(script));
}

static inline void end_script(struct relp_script **ending)
{
	stop_output();
	script_stop(*ending);
	script_free(*ending);
	*ending = NULL;
}

#endif
