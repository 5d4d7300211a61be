/* Growing texts, cleaning and comparing. */
#include <string.h>

#include "support/test.h"
#include "util/text.h"

static void text_grows(void **state)
{
    (void)state;
    struct alx_text text = {0};
    assert_string_equal(alx_text_get(&text), "");
    for (int i = 0; i < 1000; i++)
        alx_text_add(&text, "-DX%d=%d ", i, i);
    assert_false(text.failed);
    assert_int_equal(strlen(alx_text_get(&text)), text.bytes);
    assert_non_null(strstr(alx_text_get(&text), "-DX999=999 "));
    alx_text_free(&text);
    assert_null(text.data);
}

static void copies_are_cut(void **state)
{
    (void)state;
    char out[4];
    assert_true(alx_text_copy(out, sizeof out, "abc"));
    assert_false(alx_text_copy(out, sizeof out, "abcd"));
    assert_string_equal(out, "abc");
}

static void cleaning_keeps_text_and_drops_controls(void **state)
{
    (void)state;
    static const struct {
        const char *dirty, *clean;
    } cases[] = {
        {"plain", "plain"},
        {"\x1b[31mred\n", "?[31mred?"},
        {"gr\xc3\xbc\xc3\x9f"
         "e",
         "gr\xc3\xbc\xc3\x9f"
         "e"},
        {"\xc2\x9b"
         "31m",
         "??31m"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6",
         "a???b???"},
        {"\xe2\x80\xa6", "\xe2\x80\xa6"},
        {"\xff\xc3", "??"},
        {"\xc0\x80", "??"},
        {"\xed\xa0\x80", "???"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        alx_text_copy(text, sizeof text, cases[i].dirty);
        alx_text_clean(text);
        assert_string_equal(text, cases[i].clean);
    }
}

static void finding_ignores_case(void **state)
{
    (void)state;
    assert_true(alx_text_contains("Portable Computing Language", "computing"));
    assert_true(alx_text_contains("abc", ""));
    assert_false(alx_text_contains("abc", "abcd"));
}

static void distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(alx_text_distance("device", "device"), 0);
    assert_int_equal(alx_text_distance("devcie", "device"), 2);
    assert_int_equal(alx_text_distance("", "abc"), 3);
    assert_int_equal(alx_text_distance("kitten", "sitting"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows),
        cmocka_unit_test(copies_are_cut),
        cmocka_unit_test(cleaning_keeps_text_and_drops_controls),
        cmocka_unit_test(finding_ignores_case),
        cmocka_unit_test(distance_counts_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
