const form = document.getElementById("basket");
const total = document.getElementById("total");

async function show() {
  const basket = {};
  for (const { name, value } of form.querySelectorAll("input")) {
    if (Number(value)) basket[name] = Number(value);
  }
  const answer = await fetch("baskets", { method: "POST", body: JSON.stringify(basket) });
  const { total_cents, error } = await answer.json();
  total.textContent = error ?? total_cents;
}

const { largest_quantity, price_cents } = await (await fetch("prices")).json();
for (const [fruit, price] of Object.entries(price_cents)) {
  const label = form.appendChild(document.createElement("label"));
  label.append(`${fruit}, ${price} cents each `);
  const input = label.appendChild(document.createElement("input"));
  Object.assign(input, { id: fruit, name: fruit, type: "number", min: 0, max: largest_quantity });
}
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
