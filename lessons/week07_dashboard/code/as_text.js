const list = document.getElementById("reports");
for (const name of JSON.parse(list.dataset.names)) {
  const item = document.createElement("li");
  item.textContent = name;
  list.append(item);
}
