"""Flow logs of a folder watched while they are written, and the page that shows them."""
