import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { newQueryClient } from './api/queries.ts'
import { newRouter } from './routes.tsx'
import './styles/tokens.css'
import './styles/base.css'
import './styles/print.css'
import { TextProvider } from './shell/text-provider.tsx'
import { applyTheme, findTheme } from './shell/theme.ts'
import { findLanguage, loadText } from './text/text.ts'

applyTheme(findTheme())
const queries = newQueryClient()
const router = newRouter(queries)
const text = await loadText(findLanguage())
const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <TextProvider first={text}>
          <RouterProvider router={router} />
        </TextProvider>
      </QueryClientProvider>
    </StrictMode>,
  )
}
