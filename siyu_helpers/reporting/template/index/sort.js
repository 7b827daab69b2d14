// Column heads become buttons that sort the rows. Without this script the table is the same, listed by their names.
(() => {
  const table = document.querySelector("table.portfolio");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const texts = new Intl.Collator("zh-CN", { numeric: true });
  const sorted = (head, way) => {
    const column = head.cellIndex;
    const cell = (row) => row.cells[column].dataset;
    const numbers = (a, b) => (Number(a) < Number(b) ? -1 : Number(a) > Number(b) ? 1 : 0);
    const compare = head.dataset.sorts === "number" ? numbers : texts.compare;
    return [...rows].sort((one, other) => {
      const [a, b] = [cell(one), cell(other)];
      // What is blank comes last whichever way; amounts of different currencies are not compared.
      if (!a.sort || !b.sort) return !a.sort - !b.sort;
      return texts.compare(a.group || "", b.group || "") || way * compare(a.sort, b.sort);
    });
  };
  const onto = (head) => {
    const first = "largest" in head.dataset ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const now = head.ariaSort === first ? other : first;
    heads.forEach((each) => each.setAttribute("aria-sort", each === head ? now : "none"));
    body.append(...sorted(head, now === "ascending" ? 1 : -1));
  };
  heads.forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => onto(head));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
  table.classList.add("sorts");
})();
