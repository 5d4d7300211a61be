/* Layouts: every element has a place of its own, the formula is the documented one, and copies come
 * back. */
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "tensor/layout.h"

static const struct alx_shape shape = {12, 3, 5};

static void every_element_has_its_place(void **state)
{
    (void)state;
    static const struct alx_layout layouts[] = {{1, 0}, {12, 0}, {4, 0}, {4, 2}, {12, 1}, {1, 3}};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        size_t elems = 2 * alx_layout_elems(shape, layouts[i]), used = 0;
        char *seen = calloc(elems, 1);
        for (size_t n = 0; n < 2; n++)
            for (size_t c = 0; c < shape.channels; c++)
                for (size_t y = 0; y < shape.height; y++)
                    for (size_t x = 0; x < shape.width; x++) {
                        size_t index = alx_layout_index(shape, layouts[i], n, c, y, x);
                        assert_true(index < elems);
                        assert_int_equal(seen[index], 0);
                        seen[index] = 1;
                        used++;
                    }
        assert_int_equal(used, 2 * 12 * 3 * 5);
        free(seen);
    }
}

static void known_layouts_are_the_usual_ones(void **state)
{
    (void)state;
    assert_int_equal(alx_layout_index(shape, (struct alx_layout){1, 0}, 1, 7, 2, 3),
                     ((1 * 12 + 7) * 3 + 2) * 5 + 3);
    assert_int_equal(alx_layout_index(shape, (struct alx_layout){12, 0}, 1, 7, 2, 3),
                     ((1 * 3 + 2) * 5 + 3) * 12 + 7);
    assert_int_equal(alx_layout_index(shape, (struct alx_layout){4, 0}, 1, 7, 2, 3),
                     (((1 * 3 + 1) * 3 + 2) * 5 + 3) * 4 + 3);
    char name[32];
    alx_layout_name(shape, (struct alx_layout){12, 2}, name, sizeof name);
    assert_string_equal(name, "NHWC+2");
    alx_layout_name(shape, (struct alx_layout){1, 0}, name, sizeof name);
    assert_string_equal(name, "NCHW");
    alx_layout_name(shape, (struct alx_layout){4, 0}, name, sizeof name);
    assert_string_equal(name, "nChw4c");
}

static void copies_come_back_and_halos_are_zero(void **state)
{
    (void)state;
    enum { ELEMS = 12 * 3 * 5 };
    float plain[ELEMS], back[ELEMS];
    for (int i = 0; i < ELEMS; i++)
        plain[i] = (float)(i + 1);
    for (size_t halo = 0; halo < 3; halo++)
        for (size_t block = 1; block <= 12; block++) {
            if (12 % block)
                continue;
            struct alx_layout layout = {block, halo};
            size_t elems = alx_layout_elems(shape, layout);
            float *image = malloc(elems * sizeof *image);
            double sum = 0;
            memset(image, 0xff, elems * sizeof *image);
            alx_layout_store(shape, layout, plain, image);
            for (size_t i = 0; i < elems; i++)
                sum += (double)image[i]; /* NaN if anything was left out */
            assert_true(sum == ELEMS * (ELEMS + 1) / 2);
            alx_layout_load(shape, layout, image, back);
            assert_memory_equal(plain, back, sizeof plain);
            free(image);
        }
}

static void pictures_lie_pixel_by_pixel(void **state)
{
    (void)state;
    const struct alx_shape picture = {3, 2, 2};
    const float plain[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const float expected[] = {1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12};
    float image[12] = {0};
    alx_layout_store(picture, (struct alx_layout){3, 0}, plain, image);
    assert_memory_equal(image, expected, sizeof image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_has_its_place),
        cmocka_unit_test(known_layouts_are_the_usual_ones),
        cmocka_unit_test(copies_come_back_and_halos_are_zero),
        cmocka_unit_test(pictures_lie_pixel_by_pixel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
