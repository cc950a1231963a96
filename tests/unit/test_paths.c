/* SPDX-License-Identifier: Apache-2.0 */
/* The faces of all paths: drawing, table, Graphviz. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>
#include "alloc_fault.h"
#include "faces.h"
#include "golden.h"
#include "output/output.h"
#include "screen_lines.h"
#include "walks.h"

typedef void (*scene_fn)(struct record *rec);

static const scene_fn scenes[] = {scene_paths_diamond, scene_paths_nested, scene_paths_mesh,
	scene_paths_wide, scene_paths_twelve, scene_paths_packet, scene_paths_nodes,
	scene_paths_silent, scene_paths_hostile, scene_paths_v6};
static const face_fn faces[] = {wn_out_paths_tree, wn_out_paths_table, wn_out_paths_dot};
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void check(scene_fn scene, face_fn face, const struct wn_table_opts *o, const char *golden)
{
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};

	scene(&rec);
	draw(&out, &rec, face, o);
	golden_check(golden, wn_strbuf_str(&out));
	wn_strbuf_fini(&out);
	record_fini(&rec);
}

static void test_tree_widths(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	check(scene_paths_diamond, wn_out_paths_tree, &o, "paths_tree_diamond_80.txt");
	check(scene_paths_nested, wn_out_paths_tree, &o, "paths_tree_nested_80.txt");
	check(scene_paths_v6, wn_out_paths_tree, &o, "paths_tree_v6_80.txt");
	o.columns = 40;
	check(scene_paths_diamond, wn_out_paths_tree, &o, "paths_tree_diamond_40.txt");
	check(scene_paths_nested, wn_out_paths_tree, &o, "paths_tree_nested_40.txt");
	o.columns = 120;
	check(scene_paths_diamond, wn_out_paths_tree, &o, "paths_tree_diamond_120.txt");
	check(scene_paths_twelve, wn_out_paths_tree, &o, "paths_tree_twelve_120.txt");
}

static void test_tree_forms(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	o.unicode = false;
	check(scene_paths_nested, wn_out_paths_tree, &o, "paths_tree_nested_ascii.txt");
	check(scene_paths_hostile, wn_out_paths_tree, &o, "paths_tree_hostile_ascii.txt");
	o = plain;
	o.color = true;
	check(scene_paths_silent, wn_out_paths_tree, &o, "paths_tree_silent_color.txt");
	o = plain;
	o.verbose = 1;
	check(scene_paths_nested, wn_out_paths_tree, &o, "paths_tree_nested_verbose.txt");
}

static void test_tree_scenes(void **state)
{
	(void)state;
	check(scene_paths_mesh, wn_out_paths_tree, &plain, "paths_tree_mesh.txt");
	check(scene_paths_wide, wn_out_paths_tree, &plain, "paths_tree_wide.txt");
	check(scene_paths_twelve, wn_out_paths_tree, &plain, "paths_tree_twelve_80.txt");
	check(scene_paths_packet, wn_out_paths_tree, &plain, "paths_tree_packet.txt");
	check(scene_paths_nodes, wn_out_paths_tree, &plain, "paths_tree_nodes.txt");
	check(scene_paths_silent, wn_out_paths_tree, &plain, "paths_tree_silent.txt");
	check(scene_paths_hostile, wn_out_paths_tree, &plain, "paths_tree_hostile.txt");
}

static void test_table(void **state)
{
	struct wn_table_opts o = plain;

	(void)state;
	check(scene_paths_nested, wn_out_paths_table, &o, "paths_table_nested_80.txt");
	check(scene_paths_silent, wn_out_paths_table, &o, "paths_table_silent_80.txt");
	check(scene_paths_packet, wn_out_paths_table, &o, "paths_table_packet_80.txt");
	o.columns = 40;
	check(scene_paths_nested, wn_out_paths_table, &o, "paths_table_nested_40.txt");
	o.columns = 120;
	check(scene_paths_diamond, wn_out_paths_table, &o, "paths_table_diamond_120.txt");
	check(scene_paths_nodes, wn_out_paths_table, &o, "paths_table_nodes_120.txt");
	o.unicode = false;
	o.color = true;
	check(scene_paths_silent, wn_out_paths_table, &o, "paths_table_silent_color.txt");
}

static void test_dot(void **state)
{
	(void)state;
	check(scene_paths_nested, wn_out_paths_dot, &plain, "paths_dot_nested.txt");
	check(scene_paths_nodes, wn_out_paths_dot, &plain, "paths_dot_nodes.txt");
	check(scene_paths_packet, wn_out_paths_dot, &plain, "paths_dot_packet.txt");
	check(scene_paths_silent, wn_out_paths_dot, &plain, "paths_dot_silent.txt");
	check(scene_paths_hostile, wn_out_paths_dot, &plain, "paths_dot_hostile.txt");
}

/* What Graphviz makes of a file: its nodes; -1 when it complains. */
static int read_by_dot(const char *path)
{
	char command[64], line[4096];
	int nodes = 0;
	FILE *f;

	snprintf(command, sizeof(command), "dot -Tplain %s 2>&1", path);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		nodes += strncmp(line, "node ", 5) == 0;
		if (strncmp(line, "Warning", 7) == 0 || strncmp(line, "Error", 5) == 0)
			nodes = -10000;
	}
	return pclose(f) == 0 && nodes >= 0 ? nodes : -1;
}

static void write_file(const char *path, const struct wn_strbuf *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
	assert_int_equal(fclose(f), 0);
}

/* Every scene, and whatever names want to be, is to Graphviz as many nodes as there are. */
static void test_dot_is_read(void **state)
{
	char path[] = "/tmp/wend-paths-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < LEN(scenes) && system("dot -V >/dev/null 2>&1") == 0; i++) {
		struct wn_strbuf out = WN_STRBUF_INIT;
		struct record rec = {0};
		int nodes = 0;

		scenes[i](&rec);
		draw(&out, &rec, wn_out_paths_dot, &plain);
		for (const char *s = wn_strbuf_str(&out); (s = strstr(s, "\n    n")) != NULL; s++)
			nodes++;
		write_file(path, &out);
		if (read_by_dot(path) != nodes)
			fail_msg("dot finds %d nodes, not %d, in:\n%s", read_by_dot(path), nodes,
				wn_strbuf_str(&out));
		wn_strbuf_fini(&out);
		record_fini(&rec);
	}
	unlink(path);
}

/* A wide TTL is counted, or when asked for shown in full. */
static void test_wide(void **state)
{
	struct wn_table_opts o = plain;
	struct wn_strbuf out = WN_STRBUF_INIT;
	struct record rec = {0};
	unsigned lines = 0;

	(void)state;
	scene_paths_wide(&rec);
	expect(&rec, "  3  ┇  97 interfaces in 10.0.1.0/25  ");
	expect(&rec, "97 paths, 101 interfaces, 197 links, 730 flows.\n");
	o.verbose = 1;
	draw(&out, &rec, wn_out_paths_tree, &o);
	for (const char *s = wn_strbuf_str(&out); (s = strstr(s, " 10.0.1.")) != NULL; s++)
		lines++;
	assert_int_equal(lines, 97);
	assert_non_null(strstr(wn_strbuf_str(&out), "\n     cs 10.0.1.97  "));
	assert_non_null(strstr(wn_strbuf_str(&out), "\n... and 33 more paths\n"));
	wn_strbuf_fini(&out);
	record_fini(&rec);
}

static void test_no_line_is_too_wide(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3 * LEN(scenes); i++) {
		struct record rec = {0};
		struct wn_result *r;

		scenes[i / 3](&rec);
		r = record_fold(&rec);
		for (unsigned columns = 0; columns <= 200; columns += 20)
			for (unsigned form = 0; form < 8 && i % 3 < 2; form++) {
				struct wn_strbuf out = WN_STRBUF_INIT;
				struct wn_table_opts o = {
					.columns = columns,
					.color = form & 1,
					.unicode = form & 2,
					.names = form & 4,
					.verbose = columns % 3,
				};

				faces[i % 3](&out, r, &o);
				screen_check(&out, &o);
				wn_strbuf_fini(&out);
			}
		wn_result_free(r);
		record_fini(&rec);
	}
}

/* Asked twice to be verbose, every probe stands below the graph, once. */
static void test_probes(void **state)
{
	struct wn_table_opts o = {.unicode = true, .verbose = 2};
	struct record rec = {0};
	struct wn_result *r;

	(void)state;
	scene_paths_v6(&rec);
	r = record_fold(&rec);
	for (size_t face = 0; face < 2; face++) {
		struct wn_strbuf out = WN_STRBUF_INIT;
		const char *s;
		uint32_t count = 0;

		faces[face](&out, r, &o);
		s = strstr(wn_strbuf_str(&out), "\nProbes:\n       TTL 1 #0 flow 0 ports ");
		assert_non_null(s);
		assert_non_null(strstr(s, " with the label of flow "));
		assert_non_null(strstr(s, ", time-exceeded\n"));
		for (const char *p = wn_strbuf_str(&out); (p = strstr(p, " #")) != NULL; p++)
			count++;
		assert_int_equal(count, r->probe_count);
		wn_strbuf_reset(&out);
		o.verbose = 1;
		faces[face](&out, r, &o);
		assert_null(strstr(wn_strbuf_str(&out), "Probes:"));
		o.verbose = 2;
		wn_strbuf_fini(&out);
	}
	wn_result_free(r);
	record_fini(&rec);
}

static void test_holes(void **state)
{
	static const char *const lines[] = {"1 - 3 !", "1 - 3 ? !", NULL};
	struct record rec = {0};

	(void)state;
	lines_of(&rec, WN_PATHS_FULL, lines);
	expect(&rec, "\n  2    not probed\n");
	expect(&rec, "No path seen from end to end");
	record_fini(&rec);
}

static void test_nothing(void **state)
{
	static const char *const lines[] = {"* *", NULL};
	struct record rec = {0};

	(void)state;
	for (size_t i = 0; i < LEN(faces); i++)
		expect_face(&rec, faces[i], "x", false); /* not even started */
	lines_of(&rec, WN_PATHS_FULL, lines);
	record_stop(&rec, WN_STOP_GAP, 2);
	expect(&rec, "\n1-2  no reply (2 hops)\nNo reply at all");
	expect_face(&rec, wn_out_paths_table, "path,", false);
	record_fini(&rec);
}

static void sweep(scene_fn scene, face_fn face)
{
	struct wn_table_opts o = plain;
	struct record rec = {0};
	struct wn_result *r;
	bool hit = true;

	scene(&rec);
	r = record_fold(&rec);
	o.verbose = 1;
	for (unsigned long nth = 1; hit; nth++) {
		struct wn_strbuf out = WN_STRBUF_INIT;
		unsigned long live = alloc_fault_live();

		alloc_fault_arm_from(nth);
		face(&out, r, &o);
		hit = alloc_fault_disarm();
		assert_int_equal(out.err, hit ? WN_ENOMEM : WN_OK);
		wn_strbuf_fini(&out);
		assert_int_equal(alloc_fault_live(), live);
	}
	wn_result_free(r);
	record_fini(&rec);
}

/* The same for single failures, after which memory is there again. */
static void sweep_single(scene_fn scene, face_fn face)
{
	struct record rec = {0};
	struct wn_result *r;
	bool hit = true;

	scene(&rec);
	r = record_fold(&rec);
	for (unsigned long nth = 1; hit; nth++) {
		struct wn_strbuf out = WN_STRBUF_INIT;
		unsigned long live = alloc_fault_live();

		alloc_fault_arm(nth);
		face(&out, r, &plain);
		hit = alloc_fault_disarm();
		assert_int_equal(out.err, hit ? WN_ENOMEM : WN_OK);
		wn_strbuf_fini(&out);
		assert_int_equal(alloc_fault_live(), live);
	}
	wn_result_free(r);
	record_fini(&rec);
}

static void json(struct wn_strbuf *out, const struct wn_result *r, const struct wn_table_opts *o)
{
	(void)o;
	wn_out_json(out, r, NULL, 0);
}

static void test_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(faces); i++) {
		sweep(scene_paths_packet, faces[i]);
		sweep_single(scene_paths_silent, faces[i]);
	}
	sweep(scene_paths_v6, json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_widths),
		cmocka_unit_test(test_tree_forms),
		cmocka_unit_test(test_tree_scenes),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_dot_is_read),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_no_line_is_too_wide),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
