/* SPDX-License-Identifier: Apache-2.0 */
#include "config/wrap.h"

#include <string.h>

void wrap_print(FILE *out, unsigned indent, unsigned columns, const char *text)
{
	size_t column = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		if (column > 0 && column + 1 + len > columns) {
			fputc('\n', out);
			column = 0;
		}
		if (column == 0) {
			fprintf(out, "%*s%.*s", (int)indent, "", (int)len, text);
			column = indent + len;
		} else {
			fprintf(out, " %.*s", (int)len, text);
			column += 1 + len;
		}
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}
