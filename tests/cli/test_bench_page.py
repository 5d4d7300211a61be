"""The page of bench, as text and in a browser."""
import html.parser
import json
import os
import re
import unittest
import urllib.parse

import benches
import browser
from program import Case

SIZES = ((390, 844), (1280, 900))
SCHEMES = ("light", "dark")

# Whether the letters of every visible text have 4.5 times the luminance of what is behind them, or
# the other way round (WCAG 2, 1.4.3); what has not.
CONTRASTS = """(() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = c => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const piece = e.matches('g.piece') && e.querySelector('rect');
      if (piece) return rgb(getComputedStyle(piece).fill);
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color.length && color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest('title, desc, .skip')) continue;
    const style = getComputedStyle(e), svg = e.closest('svg');
    const a = luminance(rgb(svg ? style.fill : style.color)), b = luminance(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${e.tagName} ${e.textContent.slice(0, 30)}`);
  }
  return bad;
})()"""


class Elements(html.parser.HTMLParser):
    """The page as a list of tags with their attributes; what is not closed is an error."""

    VOID = {"meta", "link", "br", "input"}

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.faults = [], [], []
        self.feed(text)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append("/" + tag)

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


class Page(Case):
    """What is in the file."""

    def page(self, *changes, merged=()):
        paths = [self.write("a.json", benches.text_of(benches.sample(*changes)))]
        paths += [self.write(f"m{i}.json", benches.text_of(benches.sample(change)))
                  for i, change in enumerate(merged)]
        target = self.path("page.html")
        self.run_program("bench", "--merge", *paths, "--html", target, "-q", code=0)
        with open(target, encoding="utf-8") as file:
            return file.read()

    def test_well_formed(self):
        for text in (self.page(), self.page(merged=[benches.other_machine]),
                     self.page(benches.hostile), self.page(lambda d: d.update(devices=[]))):
            elements = Elements(text)
            self.assertEqual(elements.faults, [])
            names = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
            self.assertEqual(len(names), len(set(names)))

    def test_needs_nothing_else(self):
        elements = Elements(self.page())
        policy = [meta.get("content", "") for meta in elements.all("meta")
                  if meta.get("http-equiv") == "Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy[0])
        self.assertEqual(elements.all("script") + elements.all("img") + elements.all("iframe"), [])
        for _, attributes in elements.found:
            self.assertFalse([name for name in attributes if name.startswith("on")], attributes)
            for name in ("src", "href"):
                self.assertTrue((attributes.get(name) or "#").startswith(("#", "data:")))

    def test_hostile_texts_are_shown_as_they_are(self):
        text = self.page(benches.hostile)
        self.assertNotIn("<script", text)
        self.assertNotRegex(text, "[\x1b\u202e]")
        self.assertIn("&lt;script&gt;alert(&#39;x&#39;)", text)

    def test_charts_have_words_and_tables(self):
        text = self.page()
        elements = Elements(text)
        charts = [svg for svg in elements.all("svg") if svg.get("role") == "img"]
        self.assertGreater(len(charts), 10)
        for svg in charts:
            for name in svg["aria-labelledby"].split():
                self.assertRegex(text, rf'<(title|desc) id="{name}">[^<]')
        self.assertGreater(len(elements.all("table")), 10)
        self.assertEqual(len(elements.all("table")), len(elements.all("caption")))
        for cell in elements.all("th"):
            self.assertIn("scope", cell)

    def test_everything_is_in(self):
        text = self.page()
        for part in ("NVIDIA GeForce GTX 1080", "the driver crashed (segmentation fault)",
                     "it has no compiler", "the machine is busy", "slowed down by 7 %", "2,227",
                     "norm1+pool1", "OpenCL 3.0 CUDA", "535.183.01", "12 of 12 images",
                     "Largest buffer", "cd" * 32, "ab" * 32, "7d" * 32, "0123456789abcdef",
                     "17.2 GB/s"):
            self.assertIn(part, text)
        layers = re.findall(r'<g class="point [^"]*">', text)
        self.assertGreaterEqual(len(layers), 12 * 12)

    def test_the_document_can_be_taken_back(self):
        link = re.search(r'href="data:application/json,([^"]*)"',
                         self.page(merged=[benches.other_machine])).group(1)
        document = json.loads(urllib.parse.unquote(link))
        self.assertEqual(document["documents"][0], benches.rounded(benches.SAMPLE))

    def test_charts_are_never_empty(self):
        def no_times(document):
            for layer in document["devices"][0]["runs"][0]["layers"]:
                layer.update(reason="its clock is <broken>", samples=0, samples_ms=[], **{
                    key: None for key in ("median_ms", "p10_ms", "p90_ms", "ci_low_ms",
                                          "ci_high_ms", "gflops", "gb_per_s",
                                          "percent_of_limit")})

        def no_limits(*names):
            def change(document):
                document["devices"][0]["limits"].update({name: None for name in names})
            return change

        def charts(text):
            return [chart.split("</figure>")[0]
                    for chart in text.split("<figcaption>Roofline")[1:]]
        whole, text = charts(self.page()), self.page(no_times)
        self.assertEqual(len(charts(text)), len(whole) - 1)
        self.assertIn("No roofline is drawn: the layers have no times; its clock is "
                      "&lt;broken&gt;.", text)
        text = self.page(lambda d: d["devices"][0]["runs"][0].update(layers=[]))
        self.assertIn("No roofline is drawn: the layers have no times.", text)
        for chart in whole:
            self.assertIn('class="roof"', chart)
            self.assertIn('<g class="point', chart)
            self.assertNotIn("is not known", chart)
        for names, words in ((["fma_gflops"], "of arithmetic"), (["read_gb_per_s"], "of memory"),
                             (["fma_gflops", "read_gb_per_s"], "of memory and of arithmetic")):
            chart = charts(self.page(no_limits(*names)))[0]
            self.assertIn('<g class="point', chart)
            self.assertIn(f"the device&#39;s limit {words} is not known", chart)

    def test_bars_that_would_hide_the_others_are_broken(self):
        text = self.page()
        self.assertIn("shorter is better; broken bars are longer", text)
        times = [(run["median_ms"], device["device"]["number"])
                 for device in benches.SAMPLE["devices"] for run in device["runs"]
                 if run["status"] == "ok" and run["batch"] == 1]
        broken = [number for ms, number in times if ms > 25 * min(times)[0]]
        self.assertEqual(text.count('class="cut"'), len(broken))
        self.assertEqual({number for _, number in times} - set(broken), {4})
        alone = self.page(lambda d: d["devices"].pop(3))
        self.assertEqual((alone.count('class="cut"'), alone.count("broken bars")), (0, 0))

    def test_wrong_results_are_told(self):
        def wrong(document):
            check = document["devices"][0]["runs"][0]["check"]
            check.update(worst=7.5, top1_agree=0)
            document["devices"][0]["check"] = check
        text = self.page(wrong)
        self.assertIn("some results are WRONG", text)
        self.assertIn("Results are WRONG: 0 of 2 images", text)


@unittest.skipUnless(browser.find(), "no Chromium here")
class Browser(Page):
    """What is seen."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = browser.Browser(browser.find())
        cls.addClassCleanup(cls.browser.close)

    def each_view(self, scripts=True):
        """Shows page.html in every size and scheme; the name of each for messages and files."""
        for width, height in SIZES:
            for scheme in SCHEMES:
                self.browser.show(self.path("page.html"), width, height, scheme, scripts)
                yield f"{width}x{height}-{scheme}", width

    def check_views(self, name):
        for view, width in self.each_view():
            with self.subTest(name=name, view=view):
                self.assertEqual(self.browser.complaints, [])
                self.assertEqual(self.browser.evaluate("document.documentElement.scrollWidth"),
                                 width)
                self.assertEqual(self.browser.evaluate(CONTRASTS), [])
                folder = os.environ.get("ALX_SCREENSHOTS")
                if folder:
                    self.browser.screenshot(os.path.join(folder, f"{name}-{view}.png"))

    def test_views(self):
        self.page()
        self.check_views("sample")

    def test_views_of_several_machines(self):
        self.page(merged=[benches.other_machine])
        self.check_views("merged")

    def test_views_of_hostile_texts(self):
        self.page(benches.hostile)
        self.check_views("hostile")

    def test_colours_follow_the_scheme(self):
        self.page()
        colors = {}
        for view, _ in self.each_view():
            colors.setdefault(view.split("-")[1], set()).add(
                self.browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual([len(colors[scheme]) for scheme in SCHEMES], [1, 1])
        self.assertNotEqual(colors["light"], colors["dark"])

    def test_without_scripts(self):
        """The page has none; that is why nothing is missing where they are forbidden."""
        self.page()
        for view, _ in self.each_view(scripts=False):
            with self.subTest(view=view):
                self.assertGreater(self.browser.evaluate(
                    "[...document.querySelectorAll('table')].filter(t => t.checkVisibility())"
                    ".length"), 5)

    def test_one_run_at_a_time_by_keyboard(self):
        self.page()
        self.browser.show(self.path("page.html"), 1280, 900, "light")
        shown = "[...document.querySelector('.tabs').querySelectorAll('.panel')]" \
                ".map(p => p.checkVisibility())"
        self.assertEqual(self.browser.evaluate(shown), [True] + [False] * 5)
        self.browser.evaluate("document.querySelector('.tabs input').focus()")
        self.browser.press("ArrowRight", 39)
        self.assertEqual(self.browser.evaluate(shown), [False, True] + [False] * 4)

    def test_names_of_layers_do_not_cover_each_other(self):
        self.page()
        for view, _ in self.each_view():
            with self.subTest(view=view):
                self.assertEqual(self.browser.evaluate("""(() => {
                  const boxes = [...document.querySelector('.panel').querySelectorAll('.name')]
                    .map(e => [e.textContent, e.getBoundingClientRect()]), bad = [];
                  for (const [a, p] of boxes) for (const [b, q] of boxes)
                    if (a < b && p.left < q.right - 1 && q.left < p.right - 1 &&
                        p.top < q.bottom - 3 && q.top < p.bottom - 3) bad.push(a + ' ' + b);
                  return bad;
                })()"""), [])


if __name__ == "__main__":
    unittest.main()
