// Fetches what Python needs as soon as a page opens, beside all that the page itself loads: when the kernel asks for the
// same files some seconds later, they are in the browser's cache. The build writes their list into the page.

const list = document.getElementById("p2pchat-site-files");
const { files } = JSON.parse(list.textContent);
const root = new URL(list.dataset.root, location.href);

/** Bytes of all files, and those that are here. */
export const fetched = { all: files.reduce((sum, [, bytes]) => sum + bytes, 0), here: 0 };

async function fetchOne(path) {
  const response = await fetch(new URL(path, root), { priority: "low" });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    fetched.here += part.value.length;
  }
}

/** Fulfilled when all are here. A failure is the kernel's to tell, which needs the files; here it is a hint only. */
export const finished = Promise.all(files.map(([path]) => fetchOne(path)));
finished.catch((error) => console.warn("Could not fetch early:", error.message));
