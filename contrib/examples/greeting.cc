// SPDX-License-Identifier: Apache-2.0
// The same calls from C++17: strings of its own, and true and false as what they are.
#include <string>
#include <string_view>

#include <liblog/slog.h>

int main()
{
	std::string name = "w\xc3\xb6rld";
	std::string_view greeting = "hello, all";
	slog_options options{};
	options.size = sizeof options;
	options.app_name = "greeting";
	if (slog_open(&options) != 0)
		return 1;
	slog_info("greeting", "text", greeting.substr(0, 5), "name", name, "loud", 1 + 1 == 3, "times", slog_list(1, 2.5, nullptr));
	slog_close();
}
