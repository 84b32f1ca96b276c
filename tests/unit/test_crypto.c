/* test_crypto.c - hashes and MACs against published values and definitions. */
#include <criterion/criterion.h>

#include "base/encode.h"
#include "rsa_keys.h"
#include "sns_messages.h"
#include "sys/crypto.h"

static struct str bytes(const void *data, size_t len) {
    return (struct str){data, len};
}

static void expect_hex(const unsigned char digest[DIGEST_SIZE],
                       const char         *expected) {
    struct buf hex = BUF_EMPTY;

    encode_hex(digest, DIGEST_SIZE, &hex);
    cr_assert_str_eq(buf_text(&hex), expected);
    buf_release(&hex);
}

static void expect_mac(struct str secret, struct str input,
                       const char *expected) {
    struct crypto_hmac_key key;
    unsigned char          mac[DIGEST_SIZE];

    crypto_hmac_key_init(&key, secret);
    crypto_hmac(&key, input, mac);
    expect_hex(mac, expected);
    crypto_hmac_key_wipe(&key);
}

/* RFC 2104, written out: H(K ^ opad, H(K ^ ipad, text)). */
static void mac_by_definition(struct str secret, struct str input,
                              unsigned char out[DIGEST_SIZE]) {
    unsigned char key[64] = {0}, pad[64];
    struct buf    text = BUF_EMPTY;

    if (secret.len > 64)
        crypto_sha256(secret, key);
    else if (secret.len)
        memcpy(key, secret.data, secret.len);
    for (size_t i = 0; i < 64; i++)
        pad[i] = key[i] ^ 0x36;
    buf_add(&text, pad, 64);
    buf_add_str(&text, input);
    crypto_sha256(buf_str(&text), out);
    for (size_t i = 0; i < 64; i++)
        pad[i] = key[i] ^ 0x5c;
    buf_clear(&text);
    buf_add(&text, pad, 64);
    buf_add(&text, out, DIGEST_SIZE);
    crypto_sha256(buf_str(&text), out);
    buf_release(&text);
}

Test(crypto, sha256_gives_the_values_of_FIPS_180_4) {
    unsigned char out[DIGEST_SIZE];

    crypto_sha256(STR(""), out);
    expect_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
                    "27ae41e4649b934ca495991b7852b855");
    crypto_sha256(STR("abc"), out);
    expect_hex(out, "ba7816bf8f01cfea414140de5dae2223"
                    "b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(
        STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    expect_hex(out, "248d6a61d20638b8e5c026930c3e6039"
                    "a33ce45964ff2167f6ecedd419db06c1");
}

Test(crypto, hex_is_appended_and_ends_in_NUL) {
    struct buf out = BUF_EMPTY;

    buf_add_text(&out, "sha256:");
    crypto_sha256_hex(STR("abc"), &out);
    cr_assert_str_eq(buf_text(&out), "sha256:ba7816bf8f01cfea414140de5dae2223"
                                     "b00361a396177a9cb410ff61f20015ad");
    cr_assert_eq(out.len, 7 + CRYPTO_HEX_SIZE);
    buf_release(&out);
}

Test(crypto, CR1_a_mac_has_the_values_of_RFC_4231) {
    char short_key[20], long_key[131];

    memset(short_key, 0x0b, sizeof short_key);
    memset(long_key, 0xaa, sizeof long_key);
    expect_mac(bytes(short_key, sizeof short_key), STR("Hi There"),
               "b0344c61d8db38535ca8afceaf0bf12b"
               "881dc200c9833da726e9376c2e32cff7");
    expect_mac(STR("Jefe"), STR("what do ya want for nothing?"),
               "5bdcc146bf60754e6a042426089575c7"
               "5a003f089d2739839dec58b964ec3843");
    expect_mac(bytes(long_key, sizeof long_key),
               STR("Test Using Larger Than Block-Size Key - Hash Key First"),
               "60e431591ee0b67f0d8a26aacbf5b77f"
               "8e0bc6213728c5140546040f0ee37f54");
}

Test(crypto, CR1_a_mac_equals_its_definition_for_every_key_and_text_length) {
    char          secret[140], input[200];
    unsigned char mac[DIGEST_SIZE], expected[DIGEST_SIZE];

    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (char)(i * 7 + 1);
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (char)(i * 13 + 5);
    for (size_t length = 0; length <= sizeof secret; length++) {
        struct str             text = bytes(input, length * 10 / 7);
        struct crypto_hmac_key key;

        crypto_hmac_key_init(&key, bytes(secret, length));
        crypto_hmac(&key, text, mac);
        mac_by_definition(bytes(secret, length), text, expected);
        cr_assert_arr_eq(mac, expected, DIGEST_SIZE, "key of %zu bytes",
                         length);
    }
}

Test(crypto, CR1_using_a_kept_key_does_not_change_it) {
    struct crypto_hmac_key key, before;
    unsigned char          first[DIGEST_SIZE], again[DIGEST_SIZE];

    crypto_hmac_key_init(&key, STR("secret"));
    before = key;
    crypto_hmac(&key, STR("one"), first);
    crypto_hmac(&key,
                STR("another, longer than a block of sixty-four bytes, "
                    "so that it takes two"),
                again);
    crypto_hmac(&key, STR("one"), again);
    cr_assert_arr_eq(first, again, DIGEST_SIZE);
    cr_assert_eq(memcmp(&key, &before, sizeof key), 0);
}

Test(crypto, a_wiped_key_holds_nothing_but_zeroes) {
    struct crypto_hmac_key key;
    static const char      zeroes[sizeof key];

    crypto_hmac_key_init(&key, STR("secret"));
    cr_assert_neq(memcmp(&key, zeroes, sizeof key), 0);
    crypto_hmac_key_wipe(&key);
    cr_assert_eq(memcmp(&key, zeroes, sizeof key), 0);
}

Test(crypto, CR2_equal_compares_all_bytes_and_the_length) {
    cr_assert(crypto_equal(STR(""), STR("")));
    cr_assert(crypto_equal(STR("abc"), STR("abc")));
    cr_assert_not(crypto_equal(STR("abc"), STR("abd")));
    cr_assert_not(crypto_equal(STR("xbc"), STR("abc")));
    cr_assert_not(crypto_equal(STR("abc"), STR("abcd")));
    cr_assert_not(crypto_equal(STR("ab\0c"), STR("ab\0d")));
}

Test(crypto, CR3_hashes_no_bytes_at_all_without_looking_at_them) {
    unsigned char out[DIGEST_SIZE];

    crypto_sha256((struct str){NULL, 0}, out);
    expect_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
                    "27ae41e4649b934ca495991b7852b855");
}

Test(crypto, CR3_hashes_a_million_bytes) {
    struct buf    million = BUF_EMPTY;
    unsigned char out[DIGEST_SIZE];

    for (int i = 0; i < 1000000; i++)
        buf_add_char(&million, 'a');
    crypto_sha256(buf_str(&million), out);
    expect_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67"
                    "f1809a48a497200e046d39ccc7112cd0");
    buf_release(&million);
}

Test(crypto, random_bytes_differ_from_call_to_call) {
    unsigned char one[32] = {0}, other[32] = {0}, untouched = 7;

    crypto_random(one, sizeof one);
    crypto_random(other, sizeof other);
    cr_assert_neq(memcmp(one, other, sizeof one), 0);
    crypto_random(&untouched, 0);
    cr_assert_eq(untouched, 7);
}

/* --- signatures ------------------------------------------------------------- */

static void sign_with(const char *pem, struct buf *signature) {
    struct crypto_rsa *key = crypto_rsa_read(str_of(pem));

    cr_assert(key);
    cr_assert(crypto_rsa_sign(key, STR("header.claims"), signature));
    crypto_rsa_close(key);
}

Test(crypto, CR4_both_forms_of_a_key_give_the_same_signature) {
    struct buf one = BUF_EMPTY, eight = BUF_EMPTY;

    sign_with(RSA_KEY_PKCS1, &one);
    sign_with(RSA_KEY_PKCS8, &eight);
    cr_expect_eq(one.len, 256);
    cr_expect(str_equal(buf_str(&one), buf_str(&eight)));
    buf_release(&one);
    buf_release(&eight);
}

Test(crypto, CR4_a_key_that_is_locked_short_or_none_is_refused) {
    static const char *const bad[] = {
        RSA_KEY_LOCKED, RSA_KEY_SHORT, RSA_KEY_EC, RSA_KEY_PUBLIC, "",
        "-----BEGIN"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_null(crypto_rsa_read(str_of(bad[i])), "%zu", i);
}

/* --- certificates ----------------------------------------------------------- */

Test(crypto, CR1_CR3_a_mac_over_pieces_is_that_of_the_whole) {
    static const struct str parts[] = {{"", 0},      {"one", 3}, {NULL, 0},
                                       {"\0two", 4}, {"", 0},    {"three", 5}};
    struct crypto_hmac_key  key;
    unsigned char           whole[DIGEST_SIZE], pieces[DIGEST_SIZE];

    crypto_hmac_key_init(&key, STR("key"));
    crypto_hmac(&key, STR("one\0twothree"), whole);
    crypto_hmac_parts(&key, parts, 6, pieces);
    cr_assert_arr_eq(whole, pieces, DIGEST_SIZE);
    crypto_hmac(&key, STR(""), whole);
    crypto_hmac_parts(&key, parts, 0, pieces);
    cr_assert_arr_eq(whole, pieces, DIGEST_SIZE);
    crypto_hmac_key_wipe(&key);
}

static bool is_for(const char *pem, const char *name) {
    struct crypto_certificate *certificate =
        crypto_certificate_read(str_of(pem));
    bool is;

    cr_assert(certificate);
    is = crypto_certificate_is_for(certificate, name);
    crypto_certificate_close(certificate);
    return is;
}

Test(crypto, CR5_a_certificate_is_for_the_names_in_it_and_no_others) {
    cr_expect(is_for(SNS_CERTIFICATE, "sns.amazonaws.com"));
    cr_expect_not(is_for(SNS_CERTIFICATE, "sns.amazonaws.com.cn"));
    cr_expect_not(is_for(SNS_CERTIFICATE, "amazonaws.com"));
    cr_expect(is_for(SNS_CERTIFICATE_AFRICA, "sns.af-south-1.amazonaws.com"));
    cr_expect_not(is_for(SNS_CERTIFICATE_AFRICA, "whatever"));
    cr_expect_not(is_for(SNS_CERTIFICATE_OTHER, "sns.amazonaws.com"));
    cr_expect_not(is_for(SNS_CERTIFICATE_WILD, "sns.amazonaws.com"));
}

Test(crypto, a_certificate_is_valid_from_its_first_second_to_its_last) {
    struct crypto_certificate *certificate =
        crypto_certificate_read(STR(SNS_CERTIFICATE));

    cr_assert(certificate);
    cr_expect_not(crypto_certificate_is_valid(certificate, 1767225599999));
    cr_expect(crypto_certificate_is_valid(certificate, 1767225600000));
    cr_expect(crypto_certificate_is_valid(certificate, 1798761600000));
    cr_expect_not(crypto_certificate_is_valid(certificate, 1798761600001));
    crypto_certificate_close(certificate);
}

Test(crypto, a_certificate_verifies_what_its_key_signed) {
    struct crypto_rsa         *key = crypto_rsa_read(STR(RSA_KEY_PKCS1));
    struct crypto_certificate *certificate =
        crypto_certificate_read(STR(SNS_CERTIFICATE));
    struct buf signature = BUF_EMPTY;

    cr_assert(key && certificate);
    cr_assert(crypto_rsa_sign(key, STR("text"), &signature));
    cr_expect(crypto_certificate_verify(certificate, CRYPTO_SHA256, STR("text"),
                                        buf_str(&signature)));
    cr_expect_not(crypto_certificate_verify(certificate, CRYPTO_SHA1,
                                            STR("text"), buf_str(&signature)));
    cr_expect_not(crypto_certificate_verify(certificate, CRYPTO_SHA256,
                                            STR("texts"), buf_str(&signature)));
    cr_expect_not(crypto_certificate_verify(certificate, CRYPTO_SHA256,
                                            STR("text"), STR("")));
    signature.data[100] ^= 1;
    cr_expect_not(crypto_certificate_verify(certificate, CRYPTO_SHA256,
                                            STR("text"), buf_str(&signature)));
    buf_release(&signature);
    crypto_rsa_close(key);
    crypto_certificate_close(certificate);
}

Test(crypto, what_is_no_certificate_with_a_long_key_is_none) {
    cr_expect_null(crypto_certificate_read(STR("")));
    cr_expect_null(crypto_certificate_read(STR(RSA_KEY_PKCS1)));
    cr_expect_null(crypto_certificate_read(STR(SNS_CERTIFICATE_SHORT_KEY)));
    crypto_certificate_close(NULL);
}
