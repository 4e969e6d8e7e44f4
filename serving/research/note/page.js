// Draws the page's charts in the language the address asks for, one after the other once the words are on the screen. Nothing is fetched.
(() => {
  const PAPER_WIDTH = 430, NARROW = 430;
  const said = /\u27e6([^\u00a6\u27e7]*)\u00a6([^\u27e7]*)\u27e7/g;
  const config = JSON.parse(document.getElementById("chart-config").textContent);
  const charts = [...document.querySelectorAll("script[data-chart]")].map((script) => ({
    text: script.textContent,
    place: document.getElementById("chart-" + script.dataset.chart),
  }));
  const views = new Map();
  let turn = 0;
  const unpacked = ({ columns, values }) => values.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place]])));
  const drawOne = async ({ text, place }, english) => {
    const translate = (value) => value.replace(said, english ? "$2" : "$1");
    // A legend of three or four columns runs out of a narrow chart.
    const columns = place.clientWidth < NARROW ? 2 : 4;
    const spec = JSON.parse(text, (key, value) =>
      typeof value === "string" ? translate(value) : key === "columns" && typeof value === "number" ? Math.min(value, columns) : value
    );
    for (const [name, packed] of Object.entries(spec.datasets)) spec.datasets[name] = unpacked(packed);
    const { view } = await vegaEmbed(place, spec, { config, renderer: "svg", actions: false, ast: true, tooltip: { theme: "custom" } });
    views.set(place, view);
    // The library calls every chart a "Vega visualization"; its description is what a screen reader shall say, and nothing inside.
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", translate(place.dataset.label));
    place.removeAttribute("aria-roledescription");
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    place.dataset.state = "drawn";
  };
  const draw = async () => {
    const mine = ++turn;
    const english = location.hash === "#en";
    document.documentElement.lang = english ? "en" : "zh-CN";
    document.title = document.documentElement.dataset[english ? "titleEn" : "titleZh"];
    for (const { place } of charts) place.dataset.state = "waiting";
    for (const chart of charts) {
      await drawOne(chart, english).catch((error) => {
        chart.place.dataset.state = "failed"; // one that cannot be drawn takes no other with it
        console.error(error);
      });
      await new Promise((done) => setTimeout(done));
      if (mine !== turn) return; // the language was changed meanwhile
    }
  };
  addEventListener("hashchange", draw);
  // On paper a chart is half a page wide: drawn anew for that, so that its words stay legible.
  addEventListener("beforeprint", () => views.forEach((view) => view.width(PAPER_WIDTH).run()));
  addEventListener("afterprint", () => dispatchEvent(new Event("resize")));
  requestAnimationFrame(() => setTimeout(draw));
})();
