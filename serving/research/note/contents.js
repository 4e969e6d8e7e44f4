// Sorts and searches the table of days. Everything stands in the page; nothing is fetched.
(() => {
  const table = document.getElementById("days"), body = table.tBodies[0], rows = [...body.rows];
  const search = document.getElementById("search"), found = document.getElementById("found");
  const number = (text) => {
    const plain = text.replace(/[,%+]/g, "").replace("\u2212", "-");
    return plain === "" || Number.isNaN(Number(plain)) ? null : Number(plain);
  };
  const language = () => {
    document.documentElement.lang = location.hash === "#en" ? "en" : "zh-CN";
  };
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      count += !row.hidden;
    }
    found.textContent = count;
  });
  [...table.tHead.rows[0].cells].forEach((cell, place) => {
    cell.querySelector("button").addEventListener("click", () => {
      const up = cell.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = rows.map((row) => [row, row.cells[place].textContent.trim()]).map(([row, text]) => [row, number(text), text]);
      const order = ([, a, s], [, b, t]) => (a !== null && b !== null ? a - b : a !== null ? 1 : b !== null ? -1 : s < t ? -1 : s > t ? 1 : 0);
      keyed.sort((one, other) => (up ? order(one, other) : order(other, one)));
      body.append(...keyed.map(([row]) => row));
    });
  });
  addEventListener("hashchange", language);
  language();
})();
