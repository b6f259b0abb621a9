// Before the first paint: light or dark as chosen on this machine, else as the system says.
try {
  const chosen = localStorage.getItem("agent-lanes.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage is off: the system decides */ }
