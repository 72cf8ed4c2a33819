/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_offers.h"

#include "relp_feed.h"

static struct relp_offers read_offers(const char *data)
{
	struct relp_offers offers;
	const char *reason = NULL;
	struct guarded_bytes guarded = guarded_bytes_copy(bytes_of_text(data));
	ck_assert(relp_offers_read(guarded_bytes_view(&guarded), &offers, &reason));
	ck_assert_ptr_null(reason);
	guarded_bytes_free(&guarded);
	return offers;
}

START_TEST(offers_of_librelp_are_read)
{
	struct bytes data = BYTES("relp_version=0\nrelp_software=librelp,1.11.0,http://x\ncommands=syslog");
	struct relp_offers offers;
	const char *reason;
	ck_assert(relp_offers_read(data, &offers, &reason));
	ck_assert(offers.has_version && offers.version == 0);
	ck_assert(bytes_equal(offers.software, BYTES("librelp,1.11.0,http://x")));
	ck_assert(offers.has_commands && offers.syslog && !offers.block_command);
	ck_assert_uint_eq(offers.block.len, 0);
}
END_TEST

START_TEST(nothing_is_mandatory)
{
	struct relp_offers offers = read_offers("");
	ck_assert(!offers.has_version && !offers.has_commands && !offers.syslog);
	offers = read_offers("\n\n=\n=x\ncommands\nrelp_software");
	ck_assert(!offers.has_version && offers.has_commands && !offers.syslog);
}
END_TEST

START_TEST(commands_may_come_in_any_order_and_more_than_once)
{
	ck_assert(read_offers("commands=a,syslog,b").syslog);
	ck_assert(read_offers("commands=a\ncommands=syslog\n").syslog);
	ck_assert(read_offers("commands=block,syslog").block_command);
	ck_assert(!read_offers("commands=xsyslog,syslogx,SYSLOG,").syslog);
}
END_TEST

START_TEST(version_must_be_a_number)
{
	static const char *const wrong[] = {"relp_version",     "relp_version=",    "relp_version=x",
	                                    "relp_version=0\r", "relp_version=1,2", "relp_version=1234567890"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct relp_offers offers;
		const char *reason = NULL;
		ck_assert(!relp_offers_read(bytes_of_text(wrong[i]), &offers, &reason));
		ck_assert_str_eq(reason, "relp_version is not a number");
	}
	ck_assert_uint_eq(read_offers("relp_version=1").version, 1);
}
END_TEST

START_TEST(block_is_handed_on_as_it_stands)
{
	struct bytes data = BYTES("block=1,00,7");
	struct relp_offers offers;
	const char *reason;
	ck_assert(relp_offers_read(data, &offers, &reason));
	ck_assert(bytes_equal(offers.block, BYTES("1,00,7")));
}
END_TEST

static void check_written(const struct relp_offers *offers, const char *expected)
{
	uint8_t text[RELP_OFFERS_LEN_MAX];
	size_t len = relp_offers_write(offers, text);
	relp_expect_bytes(bytes_of(text, len), expected);
}

START_TEST(offers_are_written_with_lf_between_them)
{
	struct relp_offers offers = {.software = BYTES("relayd,0.1,url"), .syslog = true};
	check_written(&offers, "relp_version=0\nrelp_software=relayd,0.1,url\ncommands=syslog");
	offers = (struct relp_offers){.syslog = true, .block_command = true, .block = BYTES("1,x")};
	check_written(&offers, "relp_version=0\ncommands=syslog,block\nblock=1,x");
	offers = (struct relp_offers){0};
	check_written(&offers, "relp_version=0");
}
END_TEST

START_TEST(longest_offers_fit)
{
	uint8_t longest[RELP_SOFTWARE_LEN_MAX];
	memset(longest, 'x', sizeof longest);
	struct bytes value = bytes_of(longest, sizeof longest);
	struct relp_offers offers = {
		.version = UINT32_MAX, .software = value, .syslog = true, .block_command = true, .block = value};
	struct guarded_bytes room = guarded_bytes_room(RELP_OFFERS_LEN_MAX);
	ck_assert_uint_le(relp_offers_write(&offers, room.at), RELP_OFFERS_LEN_MAX);
	guarded_bytes_free(&room);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		offers_of_librelp_are_read,
		nothing_is_mandatory,
		commands_may_come_in_any_order_and_more_than_once,
		version_must_be_a_number,
		block_is_handed_on_as_it_stands,
		offers_are_written_with_lf_between_them,
		longest_offers_fit,
	};
	return relp_run("relp_offers", tests, sizeof tests / sizeof *tests);
}
