/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain main for the fuzz targets: runs the target over every file given, and over every file in every folder given,
 * so that seeds and found crashes are ordinary tests with any compiler. Each input lies at the end of a page whose
 * successor is unreadable.
 */
#include "support/guarded_bytes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	INPUT_MAX_BYTES = 1 << 20,
	PATH_MAX_BYTES = 4096,
	DEPTH_MAX = 8, /* folders inside folders */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files_run;

static bool run_file(const char *path)
{
	static uint8_t input[INPUT_MAX_BYTES];
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return false;
	}
	size_t len = fread(input, 1, sizeof input, file);
	bool whole = !ferror(file) && (len < sizeof input || fgetc(file) == EOF);
	fclose(file);
	if (!whole) {
		fprintf(stderr, "%s: unreadable, or longer than %d octets\n", path, INPUT_MAX_BYTES);
		return false;
	}
	struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(input, len));
	LLVMFuzzerTestOneInput(guarded.at, guarded.len);
	guarded_bytes_free(&guarded);
	files_run++;
	return true;
}

static bool run_path(const char *path, int depth);

static bool run_folder(const char *path, int depth)
{
	DIR *folder = opendir(path);
	if (folder == NULL || depth > DEPTH_MAX) {
		fprintf(stderr, "%s: cannot be read, or too deep\n", path);
		if (folder != NULL)
			closedir(folder);
		return false;
	}
	bool good = true;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		char inner[PATH_MAX_BYTES];
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) >= (int)sizeof inner)
			good = false;
		else
			good = run_path(inner, depth + 1) && good;
	}
	closedir(folder);
	return good;
}

static bool run_path(const char *path, int depth)
{
	struct stat status;
	if (stat(path, &status) != 0) {
		perror(path);
		return false;
	}
	return S_ISDIR(status.st_mode) ? run_folder(path, depth) : run_file(path);
}

int main(int argc, char **argv)
{
	bool good = argc > 1;
	for (int i = 1; i < argc; i++)
		good = run_path(argv[i], 0) && good;
	printf("%u inputs replayed\n", files_run);
	/* A folder without seeds is a mistake, not a pass. */
	return good && files_run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
