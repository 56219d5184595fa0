import { connect } from "/client.js";

const [list, count, standing] = ["applications", "count", "standing"].map((id) => document.getElementById(id));
const cards = new Map();

const connection = connect({ url: "/api/stream/pipelines" });
show(connection.state);
connection.subscribe(show);

function show(state) {
  count.textContent = `${state.applications.size} of them`;
  standing.textContent = state.standing;
  standing.className = `standing ${state.standing}`;
  list.classList.toggle("old", state.standing !== "live");
  for (const [key, card] of cards) {
    if (state.applications.has(key)) continue;
    card.element.remove();
    cards.delete(key);
  }
  for (const [key, application] of state.applications) draw(key, application);
}

/** A document is the same object until something in it changes: only those that did are drawn again. */
function draw(key, application) {
  const card = cards.get(key) ?? makeCard(key);
  if (card.application === application) return;
  card.application = application;
  card.element.dataset.health = application.health?.status ?? "Unknown";
  card.name.textContent = application.name;
  card.health.textContent = application.health?.status ?? "Unknown";
  card.sync.textContent = application.sync?.status ?? "";
}

function makeCard(key) {
  const [element, name, health, sync] = ["li", "strong", "span", "small"].map((tag) => document.createElement(tag));
  health.className = "health";
  element.dataset.key = key;
  element.append(name, health, " ", sync);
  list.append(element);
  const card = { element, name, health, sync };
  cards.set(key, card);
  return card;
}
