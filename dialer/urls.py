"""Campaigns, lead filters, skills; calling a lead."""

from django.urls import path

from dialer.views import calling, campaigns, filters, skills

urlpatterns = [
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/new/", campaigns.begin, name="campaign-begin"),
    path("campaigns/new/<int:unit_id>/", campaigns.add, name="campaign-add"),
    path("campaigns/<int:campaign_id>/", campaigns.campaign, name="campaign"),
    path("filters/", filters.lead_filters, name="lead-filters"),
    path("filters/new/", filters.lead_filter, name="lead-filter-add"),
    path("filters/<int:filter_id>/", filters.lead_filter, name="lead-filter"),
    path("filters/<int:filter_id>/delete/", filters.delete, name="lead-filter-delete"),
    path("skills/", skills.skills, name="skills"),
    path("skills/<int:user_id>/", skills.give, name="skill-give"),
    path("lead/<str:public_id>/", calling.calling, name="lead-calling"),
    path("lead/<str:public_id>/consent/", calling.consent, name="lead-consent"),
    path("lead/<str:public_id>/do-not-call/", calling.do_not_call, name="lead-do-not-call"),
]
