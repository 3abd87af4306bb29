/** Usher's mark, shown on the documentation page and, through `logo_uri`, in Object Storage Extension. */
export const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 40" width="160" height="40" role="img" aria-label="Usher">' +
  '<rect width="40" height="40" rx="8" fill="#0f7a66"/>' +
  '<path d="M12 10v11a8 8 0 0 0 16 0V10" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"/>' +
  '<text x="52" y="28" font-family="sans-serif" font-size="24" font-weight="600" fill="#2aa889">Usher</text></svg>'
