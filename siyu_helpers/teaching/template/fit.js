// A slide with more on it than fits gets smaller pictures first, then smaller letters, down to what a room can read.
(function () {
  const LETTERS = [42, 22], BESIDE = [560, 26], PICTURE = [640, 300], FORMULA = 22, FOOT = 30; // at the foot: the number of the slide and the arrows
  function fits(sheet) {
    const bottom = Math.max(0, ...[...sheet.children].map((one) => one.offsetTop + one.offsetHeight));
    const top = Math.min(0, ...[...sheet.children].map((one) => one.offsetTop));
    const inside = top >= 0 && bottom <= sheet.clientHeight - FOOT;
    return inside && sheet.scrollHeight <= sheet.clientHeight && sheet.scrollWidth <= sheet.clientWidth;
  }
  function fit(sheet) {
    if (sheet.dataset.fitted || !sheet.clientHeight) return;
    sheet.querySelectorAll(".siyu-scroll:has(math)").forEach((one) => { // a long formula alone, not the words around it
      let size = parseFloat(getComputedStyle(one).fontSize);
      while (one.scrollWidth > one.clientWidth && size > FORMULA) one.style.fontSize = (size -= 1) + "px";
    });
    const pictures = sheet.querySelectorAll("img");
    // A tall picture with words about it: side by side, or neither could be read.
    const tall = pictures.length === 1 && pictures[0].naturalHeight > 0.6 * pictures[0].naturalWidth;
    if (tall && sheet.matches(".shown") && !fits(sheet)) sheet.classList.add("beside");
    let room = PICTURE[0], size = LETTERS[0];
    const letters = (least) => {
      while (!fits(sheet) && size > least) sheet.style.fontSize = (size -= 1) + "px";
    };
    const picture = (least) => {
      while (!fits(sheet) && pictures.length && room > least) {
        room -= 10;
        pictures.forEach((one) => { one.style.maxHeight = room + "px"; });
      }
    };
    picture(BESIDE[0]);
    if (sheet.matches(".beside")) letters(BESIDE[1]);
    picture(PICTURE[1]);
    letters(LETTERS[1]);
    sheet.dataset.fitted = fits(sheet) ? "yes" : "no";
  }
  const all = () => document.querySelectorAll(".sheet").forEach(fit);
  const deck = new Reveal({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t",
    transition: "none", backgroundTransition: "none", pdfMaxPagesPerSlide: 1, pdfSeparateFragments: false,
    plugins: [RevealNotes],
  });
  deck.on("ready", all);
  deck.on("slidechanged", all);
  deck.on("pdf-ready", all);
  deck.initialize();
  window.deck = deck;
})();
