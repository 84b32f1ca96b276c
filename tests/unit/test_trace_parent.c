/* test_trace_parent.c - ids that come again, headers read to the letter. */
#include <criterion/criterion.h>

#include "base/encode.h"
#include "observe/trace_parent.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static struct trace_parent parent;
static struct buf          text;

static const char *hex_of(const unsigned char *bytes, size_t size) {
    buf_clear(&text);
    encode_hex(bytes, size, &text);
    return buf_text(&text);
}

static bool reads(const char *header) {
    memset(&parent, 0xee, sizeof parent);
    return trace_parent_read(str_of(header), &parent);
}

static bool amzn_reads(const char *header) {
    memset(&parent, 0xee, sizeof parent);
    return trace_amzn_read(str_of(header), &parent);
}

static void end(void) {
    buf_release(&text);
}

TestSuite(trace_parent, .fini = end, .timeout = 5);

Test(trace_parent, reads_what_it_writes) {
    cr_assert(reads("00-" TRACE "-" SPAN "-01"));
    cr_assert_eq(parent.flags, TRACE_SAMPLED);
    cr_assert_str_eq(hex_of(parent.trace, sizeof parent.trace), TRACE);
    cr_assert_str_eq(hex_of(parent.span, sizeof parent.span), SPAN);
    buf_clear(&text);
    trace_parent_write(&parent, &text);
    cr_assert_str_eq(buf_text(&text), "00-" TRACE "-" SPAN "-01");
}

Test(trace_parent, hands_on_no_flag_that_it_does_not_know) {
    cr_assert(reads("00-" TRACE "-" SPAN "-fe"));
    trace_parent_write(&parent, &text);
    cr_assert_str_eq(buf_text(&text), "00-" TRACE "-" SPAN "-00");
}

Test(trace_parent, TP2_refuses_what_is_not_exactly_a_traceparent) {
    static const char *const wrong[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-011",
        "00-" TRACE "-" SPAN "-01-",
        "00-" TRACE "-" SPAN "-01-more",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "0x-" TRACE "-" SPAN "-01",
        " 00-" TRACE "-" SPAN "-01",
        "00-" TRACE "-" SPAN "-01 ",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-" TRACE "-" SPAN "-0A",
        "00-0af7651916cd43dd8448eb211c80319g-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "ff-" TRACE "-" SPAN "-01",
        "FF-" TRACE "-" SPAN "-01",
        "01-" TRACE "-" SPAN "-01x",
        "01-" TRACE "-" SPAN "-01.more",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(reads(wrong[i]), "%s", wrong[i]);
        cr_expect_eq(parent.flags, 0xee, "%s", wrong[i]);
    }
}

Test(trace_parent, TP2_reads_four_fields_of_a_later_version) {
    cr_assert(reads("01-" TRACE "-" SPAN "-01"));
    cr_assert(reads("fe-" TRACE "-" SPAN "-01-what-is-to-come"));
    cr_assert(reads("cc-" TRACE "-" SPAN "-01-"));
    cr_assert_str_eq(hex_of(parent.span, sizeof parent.span), SPAN);
}

Test(trace_parent, TP2_does_not_read_past_the_header) {
    cr_assert_not(trace_parent_read(
        (struct str){"00-" TRACE "-" SPAN "-01", 54}, &parent));
    cr_assert_not(trace_parent_read((struct str){NULL, 0}, &parent));
    cr_assert_not(trace_amzn_read((struct str){NULL, 0}, &parent));
}

Test(trace_parent, reads_the_header_of_aws) {
    cr_assert(amzn_reads("Root=1-5759e988-bd862e3fe1be46a994272793;Parent="
                         "53995c3f42cd8ad8;Sampled=0"));
    cr_assert_str_eq(hex_of(parent.trace, sizeof parent.trace),
                     "5759e988bd862e3fe1be46a994272793");
    cr_assert_str_eq(hex_of(parent.span, sizeof parent.span),
                     "53995c3f42cd8ad8");
    cr_assert_eq(parent.flags, 0);
}

Test(trace_parent, reads_the_header_of_a_load_balancer) {
    cr_assert(amzn_reads("Self=1-67891234-12456789abcdef012345678;Root=1-"
                         "5759e988-bd862e3fe1be46a994272793"));
    cr_assert_str_eq(hex_of(parent.span, sizeof parent.span),
                     "0000000000000000");
    cr_assert_eq(parent.flags, TRACE_SAMPLED);
    cr_assert(amzn_reads("Sampled=?; Root=1-5759e988-bd862e3fe1be46a994272793;"
                         " Lineage=a87bd80c:1"));
    cr_assert_eq(parent.flags, TRACE_SAMPLED);
}

Test(trace_parent, TP2_refuses_what_is_not_exactly_a_header_of_aws) {
#define ROOT "Root=1-5759e988-bd862e3fe1be46a994272793"
    static const char *const wrong[] = {
        "",
        "Self=1-5759e988-bd862e3fe1be46a994272793",
        "Root",
        "Root=",
        "root=1-5759e988-bd862e3fe1be46a994272793",
        "Root=2-5759e988-bd862e3fe1be46a994272793",
        "Root=1-5759e988-bd862e3fe1be46a99427279",
        "Root=1-5759e988-bd862e3fe1be46a9942727933",
        "Root=1-5759e9889bd862e3fe1be46a994272793",
        "Root=1-5759E988-bd862e3fe1be46a994272793",
        "Root=1-00000000-000000000000000000000000",
        ROOT ";Parent=53995c3f42cd8ad",
        ROOT ";Parent=0000000000000000",
        ROOT ";Parent=53995C3F42CD8AD8",
        ROOT ";Parent",
        ROOT ";Sampled=2",
        ROOT ";Sampled=",
        ROOT ";Sampled=11",
        ROOT ";" ROOT,
        ROOT ";Sampled=1;Sampled=0",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(amzn_reads(wrong[i]), "%s", wrong[i]);
        cr_expect_eq(parent.flags, 0xee, "%s", wrong[i]);
    }
}

/* Written down, so that a change of how ids are made is seen: a run that is
 * under way while the engine is replaced would tear in two. */
Test(trace_parent, TP1_makes_the_same_ids_in_every_process) {
    unsigned char span[TRACE_SPAN_SIZE];

    trace_parent_of_run(STR("run_01JC0000000000000000000000"), &parent);
    cr_assert_str_eq(hex_of(parent.trace, sizeof parent.trace),
                     "fa94eda317ed9a4594c3f7be4b08a81e");
    cr_assert_str_eq(hex_of(parent.span, sizeof parent.span),
                     "0000000000000000");
    trace_span_of(STR("run_01JC0000000000000000000000"),
                  STR("restart/1/run/0/3"), span);
    cr_assert_str_eq(hex_of(span, sizeof span), "abd6866351096713");
}

Test(trace_parent, TP1_keeps_runs_and_places_apart) {
    unsigned char a[TRACE_SPAN_SIZE], b[TRACE_SPAN_SIZE];

    trace_span_of(STR("run_1"), STR("1/a"), a);
    trace_span_of(STR("run_11"), STR("/a"), b);
    cr_assert(memcmp(a, b, sizeof a) != 0);
    trace_span_of(STR("run_1"), STR(""), b);
    cr_assert(memcmp(a, b, sizeof a) != 0);
}

Test(trace_parent, prefers_the_senders_own_header) {
    const char *mine = "00-" TRACE "-" SPAN "-01";
    const char *aws = "Self=1-67891234-12456789abcdef012345678;"
                      "Root=1-67891233-abcdef012345678912345678";

    cr_assert(trace_parent_find(str_of(mine), str_of(aws), &parent));
    cr_assert_str_eq(hex_of(parent.trace, sizeof parent.trace), TRACE);
    cr_assert(trace_parent_find(STR("00-nonsense"), str_of(aws), &parent));
    cr_assert_str_eq(hex_of(parent.trace, sizeof parent.trace),
                     "67891233abcdef012345678912345678");
    cr_assert_not(trace_parent_find(STR(""), STR(""), &parent));
}

Test(trace_parent, writes_the_header_of_aws_that_it_reads) {
    struct trace_parent again;
    struct buf          header = BUF_EMPTY;

    cr_assert(reads("00-" TRACE "-" SPAN "-01"));
    trace_amzn_write(&parent, &header);
    cr_assert_str_eq(buf_text(&header),
                     "Root=1-0af76519-16cd43dd8448eb211c80319c;"
                     "Parent=" SPAN ";Sampled=1");
    cr_assert(trace_amzn_read(buf_str(&header), &again));
    cr_assert_eq(memcmp(&again, &parent, sizeof again), 0);
    buf_release(&header);
}
