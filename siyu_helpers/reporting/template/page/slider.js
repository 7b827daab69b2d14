// A slider shows one of several pictures that are there already. Without this script the first one shown stays.
document.querySelectorAll(".siyu-slider").forEach((slider) => {
  const input = slider.querySelector("input");
  const sets = [...slider.querySelectorAll(":scope > .states")].map((set) => [...set.children]);
  const texts = [...slider.querySelectorAll("data")].map((each) => each.textContent);
  const folds = [...slider.querySelectorAll("details")];
  const show = () => {
    const at = Number(input.value);
    const pictures = sets[0][0].parentElement;
    // As high as the highest so far: what stands below does not jump.
    pictures.style.minHeight = `${Math.max(pictures.offsetHeight, parseFloat(pictures.style.minHeight) || 0)}px`;
    sets.forEach((set) => set.forEach((state, index) => { state.hidden = index !== at; }));
    slider.querySelector(".said b").textContent = texts[at];
    input.setAttribute("aria-valuetext", texts[at]);
  };
  input.addEventListener("input", show);
  // A table that was opened stays open when the picture changes.
  folds.forEach((fold) => fold.addEventListener("toggle", () => folds.forEach((each) => { each.open = fold.open; })));
  slider.querySelectorAll(".control [hidden]:not(data)").forEach((part) => { part.hidden = false; });
  window.addEventListener("resize", () => { sets[0][0].parentElement.style.minHeight = ""; });
  show();
});
