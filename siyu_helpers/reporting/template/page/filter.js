// Rows that were not asked for are hidden. Without this script every row shows, and nothing else is there to be used.
document.querySelectorAll(".siyu-filter").forEach((filter) => {
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const content = (part) => [...part.querySelectorAll("span:not(.label)")].map((each) => each.textContent).join(" ");
  const rows = [...filter.querySelector("table").tBodies].map((row) => {
    const cells = [...row.rows[0].cells].map(content);
    return { row, cells, text: plain(content(row)) };
  });
  const search = filter.querySelector("input");
  const lists = [...filter.querySelectorAll("select")];
  const said = filter.querySelector(".shown");
  const has = (cell, list) => ("several" in list.dataset ? cell.split(/、|, /) : [cell]).includes(list.value);
  const show = () => {
    const wanted = plain(search.value).split(/\s+/).filter(Boolean);
    const chosen = lists.filter((list) => list.value);
    let count = 0;
    rows.forEach(({ row, cells, text }) => {
      row.hidden = !wanted.every((word) => text.includes(word))
        || !chosen.every((list) => has(cells[list.dataset.column], list));
      count += !row.hidden;
    });
    // What was asked for is told besides: on paper the boxes are not there.
    const asked = [...chosen.map((list) => list.value), search.value.trim()].filter(Boolean);
    const told = said.dataset.says.replace("{n}", count).replace("{N}", rows.length);
    said.textContent = [told, ...asked].join(" · ");
  };
  search.addEventListener("input", show);
  lists.forEach((list) => list.addEventListener("change", show));
  filter.querySelector("button").addEventListener("click", () => {
    [search, ...lists].forEach((each) => { each.value = ""; });
    show();
    search.focus();
  });
  filter.querySelector(".asked").hidden = false;
  show();
});
