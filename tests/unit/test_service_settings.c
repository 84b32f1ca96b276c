/* test_service_settings.c - what `serve` is told, and what it refuses to be
 * told.
 */
#include "support.h"

#include <string.h>

#include "app/service_settings.h"

static struct json *config;

static void close_config(void) {
    json_release(config);
}

TestSuite(service_settings, .fini = close_config);

static struct service_settings accepted(const char *text) {
    struct service_settings settings;
    struct err              err = {.text = ""};

    json_release(config);
    config = support_json(text);
    cr_assert(service_settings_read(config, &settings, &err),
              "%s is refused: %s", text, err.text);
    return settings;
}

static void refused(const char *text, const char *words) {
    struct service_settings settings;
    struct err              err = {.text = ""};

    json_release(config);
    config = support_json(text);
    cr_assert_not(service_settings_read(config, &settings, &err), "%s is taken",
                  text);
    cr_expect_eq(err.code, ERR_CONFIG, "%s", err.text);
    cr_expect_str_eq(err.text, words);
}

Test(service_settings, SV2_what_is_not_given_has_its_default) {
    struct service_settings s = accepted("{}");

    cr_expect_str_eq(s.listen.host, "127.0.0.1");
    cr_expect_eq(s.listen.port, 8080);
    cr_expect_str_eq(s.admin.host, "127.0.0.1");
    cr_expect_eq(s.admin.port, 8080);
    cr_expect_not(s.admin_apart);
    cr_expect(!s.tls_certificate && !s.tls_key && !s.tls_client_ca);
    cr_expect_eq(s.runs, 1000);
    cr_expect_eq(s.vm_mb, 1024);
    cr_expect_eq(s.deliveries, 2000);
    cr_expect_eq(s.connections, 12000);
    cr_expect_eq(s.request_seconds, 30);
    cr_expect_eq(s.idle_seconds, 60);
    cr_expect_eq(s.drain_ms, 30000);
    cr_expect(s.watch);
    cr_expect(!s.log_json && s.log_level == LOG_INFO);
}

#define DAY ((int64_t)24 * 60 * 60 * 1000)

Test(service_settings,
     SV2_retention_is_by_time_and_count_when_nothing_is_said) {
    struct retention_limits r = accepted("{}").retention;

    cr_expect(r.runs.age_ms == 30 * DAY && r.runs.count == 100000);
    cr_expect(r.deliveries.age_ms == 14 * DAY && r.deliveries.count == 100000);
    cr_expect(r.unparsed.age_ms == 30 * DAY && r.unparsed.count == 10000);
    cr_expect_eq(r.occurrences.age_ms, 90 * DAY);
    r = accepted("{'retention': {'runs': {'age': '2h', 'count': 7}}}")
            .retention;
    cr_expect(r.runs.age_ms == DAY / 12 && r.runs.count == 7);
    cr_expect_eq(r.unparsed.count, 10000);
}

Test(service_settings, SV1_a_retention_that_cannot_be_kept_names_its_key) {
    refused("{'retention': {'runs': {'count': 0}}}",
            "retention.runs.count must be a whole number from 1 to "
            "1000000000, not 0");
    refused("{'retention': {'runs': {'age': '10ms'}}}",
            "retention.runs.age must be from 1s to 36500d, not '10ms'");
    refused("{'retention': {'deliveries': {'age': '60d'}}}",
            "retention.unparsed.age must be at least 60d, which is "
            "retention.deliveries.age: what could not be read is kept longer");
}

Test(service_settings, what_is_given_is_taken) {
    struct service_settings s = accepted(
        "{'listen': '[::1]:443', 'admin': {'listen': '0.0.0.0:9000'},"
        " 'tls': {'certificate': 'c', 'key': 'k', 'client_ca': 'a'},"
        " 'drain': '1m30s', 'watch': false,"
        " 'limits': {'runs': 5, 'vm_mb': 64, 'deliveries': 1,"
        "            'connections': 10.0, 'request_seconds': 9,"
        "            'idle_seconds': 8},"
        " 'log': {'format': 'json', 'level': 'debug'},"
        " 'tokens': {'am': {'secret': {'secret': 'T'}, 'role': 'ingest'}}}");

    cr_expect_str_eq(s.listen.host, "::1");
    cr_expect_eq(s.listen.port, 443);
    cr_expect_str_eq(s.admin.host, "0.0.0.0");
    cr_expect_eq(s.admin.port, 9000);
    cr_expect(s.admin_apart);
    cr_expect_str_eq(s.tls_certificate, "c");
    cr_expect_str_eq(s.tls_key, "k");
    cr_expect_str_eq(s.tls_client_ca, "a");
    cr_expect_eq(s.runs, 5);
    cr_expect_eq(s.vm_mb, 64);
    cr_expect_eq(s.deliveries, 1);
    cr_expect_eq(s.connections, 10);
    cr_expect_eq(s.request_seconds, 9);
    cr_expect_eq(s.idle_seconds, 8);
    cr_expect_eq(s.drain_ms, 90000);
    cr_expect(!s.watch);
    cr_expect(s.log_json && s.log_level == LOG_DEBUG);
}

Test(service_settings, SV1_a_number_out_of_range_names_its_key_and_its_range) {
    static const struct {
        const char *group, *key;
        int64_t     least, most;
    } rows[] = {
        {"limits", "runs", 1, 100000},
        {"limits", "vm_mb", 1, 1048576},
        {"limits", "deliveries", 1, 1000000},
        {"limits", "connections", 1, 1000000},
        {"limits", "request_seconds", 1, 3600},
        {"limits", "idle_seconds", 1, 3600},
    };
    char text[120], words[160];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int past = 0; past < 2; past++) {
            long long edge = past ? rows[i].most : rows[i].least;

            (void)snprintf(text, sizeof text, "{'%s': {'%s': %lld}}",
                           rows[i].group, rows[i].key, edge);
            (void)accepted(text);
            edge += past ? 1 : -1;
            (void)snprintf(text, sizeof text, "{'%s': {'%s': %lld}}",
                           rows[i].group, rows[i].key, edge);
            (void)snprintf(words, sizeof words,
                           "%s.%s must be a whole number from %lld to %lld, "
                           "not %.17g",
                           rows[i].group, rows[i].key, (long long)rows[i].least,
                           (long long)rows[i].most, (double)edge);
            refused(text, words);
        }
    refused("{'limits': {'runs': 2.5}}",
            "limits.runs must be a whole number from 1 to 100000, not 2.5");
    refused("{'limits': {'runs': 1e300}}",
            "limits.runs must be a whole number from 1 to 100000, not "
            "1.0000000000000001e+300");
}

Test(service_settings, SV1_a_word_out_of_its_list_is_told_the_nearest) {
    refused("{'log': {'format': 'jsn'}}",
            "log.format must be logfmt or json, not 'jsn' (did you mean "
            "'json'?)");
    refused("{'log': {'level': 'warning'}}",
            "log.level must be debug, info, warn or error, not 'warning'");
    refused("{'log': {'level': 'infos'}}",
            "log.level must be debug, info, warn or error, not 'infos' (did "
            "you mean 'info'?)");
    refused("{'tokens': {'ci': {'secret': {'secret': 'T'}, 'role': "
            "'operater'}}}",
            "tokens.ci.role must be ingest, viewer or operator, not "
            "'operater' (did you mean 'operator'?)");
}

Test(service_settings, SV1_half_of_a_pair_is_told_what_is_missing) {
    refused("{'tls': {'key': 'k'}}",
            "tls.certificate is not given: TLS takes tls.certificate and "
            "tls.key together");
    refused("{'tls': {'certificate': 'c'}}",
            "tls.key is not given: TLS takes tls.certificate and tls.key "
            "together");
    refused("{'tls': {'client_ca': 'a'}}",
            "tls.client_ca asks clients for certificates, which takes "
            "tls.certificate and tls.key");
    refused("{'tokens': {'ci': {'role': 'viewer'}}}",
            "tokens.ci has no secret: secret(\"NAME\")");
    refused("{'tokens': {'ci': {'secret': {'secret': 'T'}}}}",
            "tokens.ci has no role: ingest, viewer or operator");
}

Test(service_settings, SV1_a_drain_of_hours_is_refused) {
    refused("{'drain': '61m'}", "drain must be at most 1h, not '61m'");
    cr_expect_eq(accepted("{'drain': '0s'}").drain_ms, 0);
    cr_expect_eq(accepted("{'drain': '1h'}").drain_ms, 3600000);
}

static void is_address(const char *text, const char *host, int port) {
    struct service_address address;

    cr_assert(service_settings_address(str_of(text), &address), "%s", text);
    cr_expect_str_eq(address.host, host);
    cr_expect_eq(address.port, port);
}

Test(service_settings, an_address_is_numeric_and_has_a_port) {
    static const char *const none[] = {
        "",
        "8080",
        ":8080",
        "*:80",
        "host:80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.1:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[1.2.3.4]:80",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4 :80",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999]:80",
        "[]:80",
        "[:80"};
    struct service_address address;

    is_address("127.0.0.1:8080", "127.0.0.1", 8080);
    is_address("localhost:0", "127.0.0.1", 0);
    is_address("0.0.0.0:65535", "0.0.0.0", 65535);
    is_address("[::]:80", "::", 80);
    is_address("[2001:db8::1]:443", "2001:db8::1", 443);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_expect_not(service_settings_address(str_of(none[i]), &address),
                      "'%s' is taken", none[i]);
}

Test(service_settings, SV1_an_address_that_is_none_names_its_key) {
    refused("{'listen': ':8080'}",
            "listen must be ADDRESS:PORT, such as 127.0.0.1:8080, "
            "0.0.0.0:8080 or [::]:8080, not ':8080'");
    refused("{'admin': {'listen': 'all'}}",
            "admin.listen must be ADDRESS:PORT, such as 127.0.0.1:8080, "
            "0.0.0.0:8080 or [::]:8080, not 'all'");
    cr_expect_not(accepted("{'listen': '1.2.3.4:5', 'admin': {'listen': "
                           "'1.2.3.4:5'}}")
                      .admin_apart);
    cr_expect(accepted("{'listen': '1.2.3.4:0', 'admin': {'listen': "
                       "'1.2.3.4:0'}}")
                  .admin_apart);
}
