"""URLs of the articles."""

from django.urls import path

from articles import views

app_name = "articles"
urlpatterns = [
    path("", views.article_list, name="list"),
    path("articles/write/", views.article_write, name="write"),
    path("articles/<int:pk>/", views.article_detail, name="detail"),
    path("articles/<int:pk>/delete/", views.article_delete, name="delete"),
    path("api/articles/<int:pk>/", views.article_api, name="api"),
    path("slow/", views.slow, name="slow"),
    path("slow/async/", views.slow_async, name="slow-async"),
]
