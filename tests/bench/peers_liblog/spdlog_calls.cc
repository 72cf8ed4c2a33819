/* SPDX-License-Identifier: Apache-2.0 */
/* spdlog with a pattern that makes the same JSON; it escapes nothing, and its sink has no lock. See calls.h. */
#include "calls.h"

#include <memory>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

class memory_sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
protected:
	void sink_it_(const spdlog::details::log_msg &message) override
	{
		spdlog::memory_buf_t line;
		formatter_->format(message, line);
		memcpy(memory(), line.data(), line.size());
		memory_length = line.size();
	}
	void flush_() override {}
};

static std::shared_ptr<spdlog::logger> logger;

static void with_spdlog()
{
	logger->info("\"msgid\":\"auth\",\"msg\":\"{}\",\"method\":\"{}\",\"valid\":{},\"user\":\"{}\",\"remote_ip\":\"{}\","
	             "\"remote_port\":{},\"protocol\":\"{}\",\"info\":\"{}\",\"attempt\":{}",
	             (const char *)login.msg, (const char *)login.method, (bool)login.valid, (const char *)login.user,
	             (const char *)login.ip, (int)login.port, (const char *)login.protocol, (const char *)login.info,
	             (int)login.attempt);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	logger = std::make_shared<spdlog::logger>("auth", std::make_shared<memory_sink>());
	logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
		"{\"timestamp\":\"%Y-%m-%dT%H:%M:%S.%fZ\",\"severity\":\"%l\",\"facility\":\"auth\",\"hostname\":\"web01.example.net\","
		"\"app_name\":\"sshd\",\"procid\":\"%P\",%v}",
		spdlog::pattern_time_type::utc));
	measure("spdlog, a pattern of JSON", with_spdlog, atoi(argv[1]), 0);
	return 0;
}
